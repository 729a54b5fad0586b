/** Languages of the page and of the runbooks. */
export type Language = 'en' | 'zh';

const LANGUAGES: readonly string[] = ['en', 'zh'] satisfies Language[];

/** The first of the languages that somebody reads, as tags of a browser. */
export const languageOf = (wanted: readonly string[]): Language =>
  wanted
    .map((tag) => /^[a-z]+/.exec(tag.trim().toLowerCase())?.[0] ?? '')
    .find((tag): tag is Language => LANGUAGES.includes(tag)) ?? 'en';
