import KongCertificateExpired from '../../../docs/runbooks/KongCertificateExpired.md';
import KongCertificateExpiring from '../../../docs/runbooks/KongCertificateExpiring.md';
import KongCertificateHeld from '../../../docs/runbooks/KongCertificateHeld.md';
import KongCertificateNotServed from '../../../docs/runbooks/KongCertificateNotServed.md';
import KongCertificateOutOfSync from '../../../docs/runbooks/KongCertificateOutOfSync.md';
import KongCertificateRefused from '../../../docs/runbooks/KongCertificateRefused.md';
import KongCertificateRenewalOverdue from '../../../docs/runbooks/KongCertificateRenewalOverdue.md';
import KongCertificateRolledBack from '../../../docs/runbooks/KongCertificateRolledBack.md';
import KongCertificateSourceDown from '../../../docs/runbooks/KongCertificateSourceDown.md';
import KongCertificateSwapFailing from '../../../docs/runbooks/KongCertificateSwapFailing.md';
import KongDefaultCertificateExpiring from '../../../docs/runbooks/KongDefaultCertificateExpiring.md';
import KongNodeCertificateExpiring from '../../../docs/runbooks/KongNodeCertificateExpiring.md';
import KongReloadPending from '../../../docs/runbooks/KongReloadPending.md';
import KongWritesForbidden from '../../../docs/runbooks/KongWritesForbidden.md';
import SslCertReloaderAbsent from '../../../docs/runbooks/SslCertReloaderAbsent.md';
import SslCertReloaderConfigurationRefused from '../../../docs/runbooks/SslCertReloaderConfigurationRefused.md';
import SslCertReloaderKongUnreachable from '../../../docs/runbooks/SslCertReloaderKongUnreachable.md';
import SslCertReloaderStalled from '../../../docs/runbooks/SslCertReloaderStalled.md';

const TEXTS = {
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

/** By the name of the alert. A test compares them with the rules and the webhook's alerts. */
export const RUNBOOKS: Readonly<Record<string, string>> = TEXTS;
export type RunbookName = keyof typeof TEXTS;
