import KongCertificateExpired from '../../../docs/zh-CN/runbooks/KongCertificateExpired.md';
import KongCertificateExpiring from '../../../docs/zh-CN/runbooks/KongCertificateExpiring.md';
import KongCertificateHeld from '../../../docs/zh-CN/runbooks/KongCertificateHeld.md';
import KongCertificateNotServed from '../../../docs/zh-CN/runbooks/KongCertificateNotServed.md';
import KongCertificateOutOfSync from '../../../docs/zh-CN/runbooks/KongCertificateOutOfSync.md';
import KongCertificateRefused from '../../../docs/zh-CN/runbooks/KongCertificateRefused.md';
import KongCertificateRenewalOverdue from '../../../docs/zh-CN/runbooks/KongCertificateRenewalOverdue.md';
import KongCertificateRolledBack from '../../../docs/zh-CN/runbooks/KongCertificateRolledBack.md';
import KongCertificateSourceDown from '../../../docs/zh-CN/runbooks/KongCertificateSourceDown.md';
import KongCertificateSwapFailing from '../../../docs/zh-CN/runbooks/KongCertificateSwapFailing.md';
import KongDefaultCertificateExpiring from '../../../docs/zh-CN/runbooks/KongDefaultCertificateExpiring.md';
import KongNodeCertificateExpiring from '../../../docs/zh-CN/runbooks/KongNodeCertificateExpiring.md';
import KongReloadPending from '../../../docs/zh-CN/runbooks/KongReloadPending.md';
import KongWritesForbidden from '../../../docs/zh-CN/runbooks/KongWritesForbidden.md';
import SslCertReloaderAbsent from '../../../docs/zh-CN/runbooks/SslCertReloaderAbsent.md';
import SslCertReloaderConfigurationRefused from '../../../docs/zh-CN/runbooks/SslCertReloaderConfigurationRefused.md';
import SslCertReloaderKongUnreachable from '../../../docs/zh-CN/runbooks/SslCertReloaderKongUnreachable.md';
import SslCertReloaderStalled from '../../../docs/zh-CN/runbooks/SslCertReloaderStalled.md';
import type { RunbookName } from './texts';

/** The same in Chinese. */
export const RUNBOOKS_ZH: Readonly<Record<RunbookName, string>> = {
  KongCertificateExpired,
  KongCertificateExpiring,
  KongCertificateHeld,
  KongCertificateNotServed,
  KongCertificateOutOfSync,
  KongCertificateRefused,
  KongCertificateRenewalOverdue,
  KongCertificateRolledBack,
  KongCertificateSourceDown,
  KongCertificateSwapFailing,
  KongDefaultCertificateExpiring,
  KongNodeCertificateExpiring,
  KongReloadPending,
  KongWritesForbidden,
  SslCertReloaderAbsent,
  SslCertReloaderConfigurationRefused,
  SslCertReloaderKongUnreachable,
  SslCertReloaderStalled,
};
