import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One exchange with a real Kong's Admin API. */
export interface Recording {
  name: string;
  request: {
    method: string;
    path: string;
    /** Headers that matter; a body that is no text went as JSON. */
    headers: Record<string, string>;
    body?: unknown;
  };
  response: { status: number; headers?: Record<string, string>; body: unknown };
}

export function readRecording(name: string): Recording {
  const text = readFileSync(join(__dirname, 'recordings', `${name}.json`), 'utf8');
  return { ...(JSON.parse(text) as Recording), name };
}
