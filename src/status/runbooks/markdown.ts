const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Renders `code`, [link](to) and **strong**; escapes the text. */
function inline(text: string, query: string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith('`')
        ? `<code>${escape(part.slice(1, -1))}</code>`
        : escape(part)
            .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
            .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_, label: string, to: string) =>
              linkTo(label, to, query),
            ),
    )
    .join('');
}

/** Links to other runbooks work; the rest of the project is not served here. */
function linkTo(label: string, to: string, query: string): string {
  const [, name] = /^([A-Za-z]+)\.md$/.exec(to) ?? [];
  if (name !== undefined) return `<a href="${name}${query}">${label}</a>`;
  return /^https:\/\//.test(to) ? `<a href="${to}" rel="noreferrer">${label}</a>` : label;
}

/**
 * HTML of the little Markdown that runbooks are written in: headings, paragraphs, lists and commands.
 * @param query what links to other runbooks end with
 */
export function toHtml(markdown: string, query: string): string {
  const htmlOf = (text: string) => inline(text, query);
  const html: string[] = [];
  for (const [block] of markdown.matchAll(/^```[^]*?^```$|(?:^(?!```).+\n?)+/gm)) {
    const [first = '', ...rest] = block.trimEnd().split('\n');
    const [, marks, title] = /^(#+) (.*)$/.exec(first) ?? [];
    if (first.startsWith('```')) html.push(`<pre>${escape(rest.slice(0, -1).join('\n'))}</pre>`);
    else if (marks !== undefined && title !== undefined)
      html.push(`<h${marks.length}>${htmlOf(title)}</h${marks.length}>`);
    else if (first.startsWith('- ')) {
      const items = block.trimEnd().slice(2).split(/\n- /);
      html.push(`<ul>${items.map((item) => `<li>${htmlOf(item.replace(/\s+/g, ' '))}</li>`).join('')}</ul>`);
    } else html.push(`<p>${htmlOf([first, ...rest].join(' '))}</p>`);
  }
  return html.join('\n');
}
