/*
 * Loaded into the plugin's process by NODE_OPTIONS: ends it at one moment of its work, as SIGKILL does, or only counts
 * the moments. The file TORTURE_KILL says which (`KillOrder`); it is read at the start and at each SIGUSR2.
 *
 * A process changes what it leaves behind only by its effects: writes to files, and requests other than GET.
 * So a moment is an effect and a number of awaits after it, or right before the next one.
 */
import { createHook } from 'node:async_hooks';
import fs from 'node:fs';
import { ClientRequest } from 'node:http';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';

export interface Moment {
  /** Number of effects so far. */
  effects: number;
  /** Number of awaits since then; null: right before the next effect. */
  awaits: number | null;
}

export interface KillOrder {
  from: 'start' | 'signal';
  /** Null: counts alone, and writes `<file>.record` at each effect. */
  at: Moment | null;
}

/** An effect, and the awaits from the one before to it. */
export interface RecordedEffect {
  what: string;
  awaits: number;
  /** The last of them at which an effect was under way: a request without an answer yet, a file half written. */
  underWay: number;
}

type Call = (this: unknown, ...args: unknown[]) => unknown;

const file = process.env['TORTURE_KILL'] ?? '';
const { readFileSync, writeFileSync } = fs;
let at: Moment | null = null;
let isOn = false;
let effects = 0;
let awaits = 0;
/** Number of effects that are under way, and the last await at which there was one. */
let open = 0;
let underWay = 0;
let record: RecordedEffect[] = [];

function begin(when: KillOrder['from']): void {
  try {
    const order = JSON.parse(readFileSync(file, 'utf8')) as KillOrder;
    isOn = order.from === when;
    ({ at } = order);
    [effects, awaits, underWay, record] = [0, 0, 0, []];
    if (isOn) writeFileSync(`${file}.armed`, '');
  } catch {
    isOn = false;
  }
}

function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

function aroundEffect<T>(what: string, work: () => T): T {
  if (!isOn) return work();
  if (at?.effects === effects) end();
  record.push({ what, awaits, underWay });
  [effects, awaits, underWay] = [effects + 1, 0, 0];
  if (at === null) writeFileSync(`${file}.record`, JSON.stringify(record));
  const result = work();
  follow(result);
  if (at?.effects === effects && at.awaits === 0) end();
  return result;
}

/** An effect is under way until its promise is settled, or its request has ended. */
function follow(result: unknown): void {
  const end = () => void (open -= 1);
  if (result instanceof Promise) result.then(end, end);
  else if (result instanceof ClientRequest) result.once('close', end);
  else return;
  open += 1;
}

function spy(owner: object, name: string, isEffect: (self: unknown, args: unknown[]) => string | null): void {
  const methods = owner as Record<string, Call>;
  const original = methods[name];
  if (original === undefined) return;
  methods[name] = function (...args) {
    const what = isEffect(this, args);
    return what === null ? original.apply(this, args) : aroundEffect(what, () => original.apply(this, args));
  };
}

const shown = (path: unknown) => (typeof path === 'string' ? basename(path) : 'an open file');
const always =
  (name: string) =>
  (_: unknown, [path]: unknown[]) =>
    `${name} ${shown(path)}`;
const forWriting = (_: unknown, [path, flags]: unknown[]) =>
  typeof flags === 'string' && /[wa]/.test(flags) ? `open ${shown(path)}` : null;

if (isMainThread) {
  for (const name of ['writeFile', 'write', 'rename', 'rm', 'unlink', 'link', 'symlink', 'mkdir'])
    for (const [owner, method] of [
      [fs, `${name}Sync`],
      [fs.promises, name],
    ] as const)
      spy(owner, method, always(name));
  spy(fs, 'openSync', forWriting);
  const openFile = fs.promises.open;
  fs.promises.open = async (...args) => {
    const handle = await openFile(...args);
    spy(handle, 'write', () => `write ${shown(args[0])}`);
    return handle;
  };
  spy(ClientRequest.prototype, 'end', (self) => {
    const { method, path } = self as ClientRequest;
    return method === 'GET' || method === 'HEAD' ? null : `${method} ${path.replace(/\?.*/, '')}`;
  });
  createHook({
    // Without it, there is no `before` for promises.
    init: () => undefined,
    before: () => {
      awaits += 1;
      if (open > 0) underWay = awaits;
      if (isOn && at?.effects === effects && at.awaits !== null && awaits >= at.awaits) end();
    },
  }).enable();
  process.on('SIGUSR2', () => begin('signal'));
  begin('start');
}
