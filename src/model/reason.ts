/**
 * Why a bundle is not written to Kong, or is not proven. The list is closed: logs, metric labels, the command line
 * and the documentation use these words and no others.
 */
export const REASONS = {
  unreadable: 'a file cannot be read',
  forbidden: 'the source does not permit access to it',
  unreachable: 'the source cannot be asked',
  incomplete: 'the bundle is empty or cut off; it is probably still being written',
  missing_certificate: 'there is no certificate in it',
  missing_key: 'there is no private key for the certificate',
  unsupported_format: 'it is not in a format that is understood',
  encrypted_key: 'it is encrypted, and there is no password for it or a wrong one',
  alias_needed: 'the keystore holds several keys and no alias is set, or it has no key with that alias',
  found_twice: 'another source has the same file',
  too_large: 'it is larger than 1 MiB',
  key_mismatch: 'the private key does not belong to the certificate',
  chain_broken: 'the certificates do not form one chain',
  chain_incomplete: 'the leaf comes without the intermediates that Kong serves with the present one',
  ca_as_leaf: 'the leaf is a CA certificate',
  not_a_ca: 'a certificate in a bundle of CAs is not a CA',
  expired: 'the leaf, or the intermediate that issued it, has expired',
  not_yet_valid: 'the leaf is not valid yet',
  weak_signature: 'a certificate is signed with MD5 or SHA-1',
  weak_key: 'a key is too short or too long, or of a kind that clients refuse',
  no_common_cipher: 'no listener of Kong accepts a cipher for its type of key',
  not_for_servers: 'the leaf is not for servers (key usage, extended key usage)',
  too_many_names: 'the leaf has more names than a certificate may have',
  no_names: 'the leaf has no name that could be an SNI',
  names_not_covered: 'the leaf does not cover every SNI of the certificate in Kong',
  older_than_stored: 'Kong already has a newer certificate',
  sni_taken: 'an SNI belongs to another certificate in Kong',
  vault_reference: 'the certificate in Kong is a vault reference',
  issuer_changed: 'it is from another issuer than the certificate in Kong, and nothing vouches for it',
  name_of_another: 'Kong has the name from another place',
  loses_client_auth:
    'a service uses the certificate in Kong as its client certificate, and this one is not for clients',
  managed_elsewhere: 'the certificate in Kong belongs to the ingress controller',
  refused_by_kong: 'Kong refused it',
  still_referenced: 'a CA certificate that left its bundle is still referred to in Kong',
  not_served: 'it was written, but Kong did not serve it, and the previous one was restored',
} as const;

export type Reason = keyof typeof REASONS;

/** Why a bundle stays out of Kong: expected, so data and not an exception. */
export interface Refusal {
  reason: Reason;
  /** One sentence for a person: what, where and what to do. Never holds key material. */
  message: string;
}

export function refusal(reason: Reason, message: string): Refusal {
  return { reason, message };
}

export function isRefusal(value: object): value is Refusal {
  return 'reason' in value && 'message' in value;
}
