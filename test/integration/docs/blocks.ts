import { readFileSync } from 'node:fs';

/** One command of a `console` block, and what the block shows of its output. */
export interface ShownCommand {
  text: string;
  /** The program that it starts; of a pipeline the first. */
  program: string;
  output: string;
}

/** The commands of a page in the order in which a reader types them. */
export function commandsOf(page: string): ShownCommand[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/^```console\n([\s\S]*?)^```/gm);
  return [...blocks].flatMap(([, block = '']) => block.split(/^\$ /m).slice(1).map(readCommand));
}

function readCommand(shown: string): ShownCommand {
  const lines = shown.split('\n');
  let count = 1;
  while (count < lines.length && isOpen(lines.slice(0, count).join('\n'))) count += 1;
  const text = lines.slice(0, count).join('\n');
  const program = /^(?:sudo )?(\S+)/.exec(text)?.[1] ?? '';
  return { text, program, output: lines.slice(count).join('\n').trim() };
}

/** Whether a shell would wait for another line. */
function isOpen(text: string): boolean {
  const document = /<<'(\w+)'/.exec(text)?.[1];
  if (document !== undefined) return !new RegExp(`\n${document}$`).test(text);
  return text.endsWith('\\') || (text.match(/'/g)?.length ?? 0) % 2 === 1;
}

/** Files that a page shows: a block whose first line is a comment with its path. */
export function filesOf(page: string): { path: string; text: string }[] {
  const blocks = readFileSync(page, 'utf8').matchAll(
    /^```(?:yaml|ini)\n(# ([\w./-]+\.\w+)(?::.*)?\n[\s\S]*?)^```/gm,
  );
  return [...blocks].map(([, text = '', path = '']) => ({ path, text }));
}
