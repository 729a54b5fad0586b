import { en } from './en';
import type { Words } from './types';
import { zh } from './zh';

export type { Level, Words } from './types';

export const LANGUAGES = { en, zh } as const satisfies Record<string, Words>;
export type Language = keyof typeof LANGUAGES;

/** The first of the languages of the browser that the page speaks. */
export const languageOf = (wanted: readonly string[]): Language =>
  wanted
    .map((tag) => tag.toLowerCase().split('-')[0] ?? '')
    .find((tag): tag is Language => Object.hasOwn(LANGUAGES, tag)) ?? 'en';
