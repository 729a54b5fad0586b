import * as crypto from 'node:crypto';
import type { Language } from '../page/words/language';
import { toHtml } from './markdown';
import styles from './runbook.css';
import { RUNBOOKS } from './texts';
import { RUNBOOKS_ZH } from './texts-zh';

interface Runbook {
  markdown: string;
  html: string;
  /** Content security policy: nothing but the text. */
  policy: string;
}

interface Edition {
  tag: string;
  name: string;
  texts: Readonly<Record<string, string>>;
  back: string;
  other: Language;
}

const EDITIONS: Readonly<Record<Language, Edition>> = {
  en: { tag: 'en', name: 'English', texts: RUNBOOKS, back: 'Certificates', other: 'zh' },
  zh: { tag: 'zh-CN', name: '中文', texts: RUNBOOKS_ZH, back: '证书', other: 'en' },
};

export const runbookNames = (): string[] => Object.keys(RUNBOOKS);

/** Null: there is no runbook of this name. */
export function findRunbook(name: string, language: Language): Runbook | null {
  const { tag, texts, back, other } = EDITIONS[language];
  const markdown = Object.hasOwn(texts, name) ? texts[name] : undefined;
  if (markdown === undefined) return null;
  const hash = crypto.hash('sha256', styles, 'base64');
  return {
    markdown,
    html: `<!doctype html>
<html lang="${tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name} · ssl-cert-reloader</title>
<style>${styles}</style>
</head>
<body>
<p><a href="../">← ${back}</a> · <a href="?lang=${other}">${EDITIONS[other].name}</a></p>
${toHtml(markdown, `?lang=${language}`)}
</body>
</html>
`,
    policy: `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}
