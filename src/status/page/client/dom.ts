/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** Helpers for the document. Text is always set as text: names and messages come from files and from Kong. */

export type Child = Node | string | null | undefined;
type Attributes = Record<string, string | number | boolean | null | undefined>;

export const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** An element with attributes and children; strings become text. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A line drawing; never the only indication of anything. */
export function picture(path: string, size: number): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const attributes = {
    viewBox: '0 0 16 16',
    width: size,
    height: size,
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': 2,
    'aria-hidden': 'true',
  };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, String(value));
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

/** Sets a text only where it differs: screen readers read aloud what is set. */
export function setText(id: string, text: string): void {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/** A button that copies a text, with a fallback for browsers without a clipboard on plain http. */
export function copyButton(text: string, label: string, done: string, what: string): HTMLButtonElement {
  const button = el('button', { type: 'button', class: 'copy', 'aria-label': `${label}: ${what}` }, label);
  button.addEventListener('click', () => {
    void copy(text).then(() => {
      button.textContent = done;
      setTimeout(() => (button.textContent = label), 1_500);
    });
  });
  return button;
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el('textarea', { class: 'hidden', readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way on a page that came by plain http
    document.execCommand('copy');
    area.remove();
  }
}
