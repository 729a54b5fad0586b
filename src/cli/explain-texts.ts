import history from '../../docs/history.md';
import logs from '../../docs/logs.md';
import options from '../../docs/options.md';
import permissions from '../../docs/permissions.md';
import reasons from '../../docs/reasons.md';
import status from '../../docs/status.md';
import historyZh from '../../docs/zh-CN/history.md';
import logsZh from '../../docs/zh-CN/logs.md';
import optionsZh from '../../docs/zh-CN/options.md';
import permissionsZh from '../../docs/zh-CN/permissions.md';
import reasonsZh from '../../docs/zh-CN/reasons.md';
import statusZh from '../../docs/zh-CN/status.md';
import type { Language } from '../status/page/words/language';
import { RUNBOOKS } from '../status/runbooks/texts';
import { RUNBOOKS_ZH } from '../status/runbooks/texts-zh';

/** The documentation that `explain` quotes, in one language. */
export interface Texts {
  /** Pages whose tables explain words, with the kind of word. */
  tables: readonly (readonly [kind: string, text: string])[];
  options: string;
  /** Name of an option, and its section. */
  option: readonly [kind: string, section: string];
  meaning: string;
  comma: string;
  /** Pages that are shown whole. */
  pages: Readonly<Record<string, string>>;
}

export const TEXTS: Readonly<Record<Language, Texts>> = {
  en: {
    tables: [
      ['reason', reasons],
      ['state', status],
      ['word of the history', history],
      ['field of the log', logs],
    ],
    options,
    option: ['option', 'Options'],
    meaning: 'Meaning',
    comma: ', ',
    pages: { ...RUNBOOKS, permissions },
  },
  zh: {
    tables: [
      ['原因', reasonsZh],
      ['状态', statusZh],
      ['历史', historyZh],
      ['日志', logsZh],
    ],
    options: optionsZh,
    option: ['选项', '选项'],
    meaning: '含义',
    comma: '，',
    pages: { ...RUNBOOKS_ZH, permissions: permissionsZh },
  },
};
