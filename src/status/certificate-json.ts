import { rowJson } from '../common/safe-text';
import type { CertificateStatus } from '../public';

/**
 * For each field of a record: `ours` if its value is made here (states, digests, times, numbers), `text` if it comes from
 * outside and may hold anything, or a function that returns the texts from outside in it.
 */
type Texts<T> = {
  readonly [Field in keyof T]-?: 'ours' | 'text' | ((value: NonNullable<T[Field]>) => string);
};

/** Finds all texts from outside in a record. A new field does not compile before it says what it may hold. */
function collector<T extends object>(fields: Texts<T>): (record: T) => string {
  const named = (Object.keys(fields) as (keyof T)[]).filter((field) => fields[field] !== 'ours');
  return (record) => {
    let all = '';
    for (const field of named) {
      const value = record[field];
      const find = fields[field];
      if (value != null) all += `${typeof find === 'function' ? find(value) : String(value)}\n`;
    }
    return all;
  };
}

const LEAF = {
  fingerprint_sha256: 'ours',
  serial: 'ours',
  not_before: 'ours',
  not_after: 'ours',
} as const;

const textsOf = collector<CertificateStatus>({
  certificate_id: 'text',
  half: 'ours',
  snis: (snis) => snis.join('\n'),
  owner: 'ours',
  state: 'ours',
  since: 'ours',
  source: collector<NonNullable<CertificateStatus['source']>>({ ...LEAF, source: 'text', location: 'text' }),
  stored: 'ours',
  served: collector<NonNullable<CertificateStatus['served']>>({
    fingerprint_sha256: 'ours',
    not_after: 'ours',
    checked_at: 'ours',
    verdict: 'ours',
    detail: 'text',
  }),
  refusal: ({ message }) => message,
  dropped: 'ours',
  write_failure: ({ message }) => message,
  expires_at: 'ours',
  expiry: 'ours',
  days_left: 'ours',
  renewal_due_at: 'ours',
  renewal_overdue: 'ours',
  last_swap_at: 'ours',
  hold: ({ detail }) => detail,
  note: 'text',
});

/** The JSON of one certificate, equal to `toJson`: of 10,000 only the texts from outside are searched for secrets. */
export const certificateJson = (certificate: CertificateStatus): string =>
  rowJson(certificate, textsOf(certificate));
