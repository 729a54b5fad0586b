import { format, resolveConfig } from 'prettier';
import { FIELDS } from '../../../src/app/config';
import { ABSOLUTE_PATH, type KongField, type NamedField } from '../../../src/config';
import { SOURCE_TYPES } from '../../../src/sources/registry';

interface Language {
  /** Words of the table of a field. */
  type: string;
  default: string;
  values: string;
  sources: string;
  required: string;
  units: Readonly<Record<NonNullable<KongField['unit']>, string>>;
  /** Between the parts of a list. */
  and: string;
  needed: string;
  arrayOf: (element: string) => string;
  range: (least: number, most: number) => string;
  absolutePath: string;
  /** Whether a section begins with the field's description, which is English. */
  describes: boolean;
}

export const LANGUAGES = {
  'docs/options.md': {
    type: 'Type',
    default: 'Default',
    values: 'Values',
    sources: 'Sources',
    required: 'required',
    units: { seconds: 'seconds', days: 'days' },
    and: ', ',
    needed: ' (required)',
    arrayOf: (element) => `array of ${element}s`,
    range: (least, most) => `${String(least)} to ${String(most)}`,
    absolutePath: 'absolute path',
    describes: true,
  },
  'docs/zh-CN/options.md': {
    type: '类型',
    default: '默认值',
    values: '取值',
    sources: '适用的证书源',
    required: '必填',
    units: { seconds: '秒', days: '天' },
    and: '、',
    needed: '（必填）',
    arrayOf: (element) => `${element} 数组`,
    range: (least, most) => `${String(least)} 到 ${String(most)}`,
    absolutePath: '绝对路径',
    describes: false,
  },
} as const satisfies Record<string, Language>;

/** The reference of the options: facts come from the fields, and prose stays as it is on the page. */
export async function referenceOf(page: string, path: keyof typeof LANGUAGES): Promise<string> {
  const language = LANGUAGES[path];
  const [intro = '', ...sections] = page.split(/^(?=##)/m);
  const written = new Map(sections.map((section) => [/`(.+)`/.exec(section)?.[1], section]));
  const text = [
    intro,
    ...listed(FIELDS).map(([name, field]) => {
      const depth = name.includes('.') ? '###' : '##';
      const description = language.describes ? wrap(plainDescription(field)) : '';
      const prose = proseOf(written.get(name) ?? '', language);
      return [`${depth} \`${name}\``, factsOf(name, field, language), description, prose].join('\n\n');
    }),
  ].join('\n\n');
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

/** Every field by its whole name: `verify.timeout`, `sources.path`. */
function listed(fields: readonly NamedField[], prefix = ''): [string, KongField][] {
  return fields.flatMap((named) =>
    Object.entries(named).flatMap(([name, field]): [string, KongField][] => [
      [prefix + name, field],
      ...listed(field.fields ?? field.elements?.fields ?? [], `${prefix}${name}.`),
    ]),
  );
}

function factsOf(name: string, field: KongField, language: Language): string {
  if (field.type === 'record') return '';
  const facts = [
    [language.type, typeOf(field, language)],
    [language.default, defaultOf(field, language)],
    [language.values, valuesOf(field.elements ?? field, language)],
    [language.sources, sourcesOf(name, language)],
  ].filter(([, text]) => text !== '');
  const row = (cells: (string | undefined)[]) => `| ${cells.join(' | ')} |`;
  return [
    row(facts.map(([title]) => title)),
    row(facts.map(() => '---')),
    row(facts.map(([, text]) => text)),
  ].join('\n');
}

function typeOf(field: KongField, language: Language): string {
  if (field.type === 'array') return language.arrayOf(field.elements?.type ?? '');
  return field.type;
}

function defaultOf(field: KongField, { required }: Language): string {
  if (field.default === undefined) return field.required === true ? required : '';
  return `\`${typeof field.default === 'string' ? field.default : JSON.stringify(field.default)}\``;
}

function valuesOf(
  { one_of: choices, between, match_any: match, unit }: KongField,
  language: Language,
): string {
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(language.and);
  if (between !== undefined)
    return `${language.range(...between)} ${unit === undefined ? '' : language.units[unit]}`;
  return match === ABSOLUTE_PATH ? language.absolutePath : '';
}

/** The types of source for which a field counts; empty: all of them, or it is no field of sources. */
function sourcesOf(name: string, { and, needed: mark }: Language): string {
  const field = name.replace(/^sources\./, '');
  if (field === name) return '';
  return Object.entries(SOURCE_TYPES)
    .filter(([, type]) => type.fields.some((named) => field in named))
    .map(([type, { required: needed }]) => `\`${type}\`${needed.includes(field) ? mark : ''}`)
    .join(and);
}

/** In Kong's schema a description says for which types of source it counts; here the table does. */
function plainDescription({ description = '' }: KongField): string {
  const types = Object.keys(SOURCE_TYPES).join('|');
  const text = description.replace(new RegExp(`^(?:(?:${types})(?:, |: ))+`), '');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The handwritten text below the table and the description. */
function proseOf(section: string, { describes }: Language): string {
  const blocks = section.split(/\n{2,}/).slice(1);
  if (blocks[0]?.startsWith('|') === true) blocks.shift();
  if (describes) blocks.shift();
  return blocks.join('\n\n').trim();
}

function wrap(text: string): string {
  return text.replace(/(.{1,120})(?: |$)/g, '$1\n').trim();
}
