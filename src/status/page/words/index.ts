import { en } from './en';
import type { Language } from './language';
import type { Words } from './types';
import { zh } from './zh';

export { languageOf, type Language } from './language';
export type { Level, Words } from './types';

export const LANGUAGES: Readonly<Record<Language, Words>> = { en, zh };
