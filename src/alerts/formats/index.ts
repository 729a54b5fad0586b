import { alertmanager } from './alertmanager';
import type { Format } from './format';
import { json } from './json';
import { slack } from './slack';

export type { Context, Format } from './format';

export const FORMATS = { json, slack, alertmanager } as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
