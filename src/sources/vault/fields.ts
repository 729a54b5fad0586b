import { ABSOLUTE_PATH, type NamedField } from '../../config';

/** Fields of sources of type `vault`, beside those of every remote source. */
export const VAULT_FIELDS = [
  { namespace: { type: 'string', description: 'vault: the namespace that the rest is in.' } },
  { mount: { type: 'string', description: 'vault: where the KV engine is mounted. Empty: secret.' } },
  {
    secret_path: {
      type: 'string',
      description: 'vault: a secret below the mount; with a slash at its end, every secret below it.',
    },
  },
  {
    kv_version: {
      type: 'integer',
      description: 'vault: version of the KV engine, 1 or 2. Empty: the server is asked.',
      between: [1, 2],
    },
  },
  { cert_field: { type: 'string', description: 'vault: key of the secret that holds the certificate.' } },
  { key_field: { type: 'string', description: 'vault: key of the secret that holds the private key.' } },
  { chain_field: { type: 'string', description: 'vault: key of the secret that holds the intermediates.' } },
  { role_id: { type: 'string', description: 'vault: log in by AppRole with this role.' } },
  { secret_id: { type: 'string', description: 'vault: secret of the AppRole.', referenceable: true } },
  { secret_id_file: { type: 'string', description: 'vault: file that holds it.', match_any: ABSOLUTE_PATH } },
  { role: { type: 'string', description: 'vault: log in by Kubernetes with this role.' } },
  {
    jwt_file: {
      type: 'string',
      description: "vault: file with the service account's token. Empty: where pods have it.",
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    auth_mount: {
      type: 'string',
      description: 'vault: where the auth method is mounted. Empty: approle or kubernetes.',
    },
  },
] as const satisfies readonly NamedField[];
