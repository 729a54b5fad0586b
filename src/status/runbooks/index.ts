import * as crypto from 'node:crypto';
import { toHtml } from './markdown';
import styles from './runbook.css';
import { RUNBOOKS } from './texts';

export interface Runbook {
  markdown: string;
  html: string;
  /** What a browser may do with it: show it. */
  policy: string;
}

export const runbookNames = (): string[] => Object.keys(RUNBOOKS);

/** Null: there is none of this name. */
export function findRunbook(name: string): Runbook | null {
  const markdown = Object.hasOwn(RUNBOOKS, name) ? RUNBOOKS[name] : undefined;
  if (markdown === undefined) return null;
  const hash = crypto.hash('sha256', styles, 'base64');
  return {
    markdown,
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name} · ssl-cert-reloader</title>
<style>${styles}</style>
</head>
<body>
<p><a href="../">← Certificates</a></p>
${toHtml(markdown)}
</body>
</html>
`,
    policy: `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}
