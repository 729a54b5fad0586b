import * as crypto from 'node:crypto';
import program from './client/main?browser';
import styles from './page.css';
import html from './page.html';

/** The page as it is sent, with its content security policy: this script, these styles, this server. */
interface Page {
  html: string;
  policy: string;
}

const hashOf = (text: string) => `'sha256-${crypto.hash('sha256', text, 'base64')}'`;

/** Assembles the page from its parts: one file that loads nothing from elsewhere. */
export function makePage(): Page {
  const script = `\n${program}\n`;
  const replace = (text: string, mark: string, by: string) => {
    const at = text.indexOf(mark);
    const [from, to] = [text.lastIndexOf('>', at) + 1, text.indexOf('<', at)];
    return text.slice(0, from) + by + text.slice(to);
  };
  return {
    html: replace(replace(html, '/* styles */', styles), '/* script */', script),
    policy: [
      "default-src 'none'",
      `script-src ${hashOf(script)}`,
      `style-src ${hashOf(styles)}`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}
