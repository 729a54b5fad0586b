import { ABSOLUTE_PATH, type NamedField } from '../../config';

/** Fields of sources of type `vault`, beside those of every remote source. */
export const VAULT_FIELDS = [
  {
    namespace: {
      type: 'string',
      description: 'vault: namespace of login, mount and path (Vault Enterprise, HCP, OpenBao).',
    },
  },
  { mount: { type: 'string', description: 'vault: mount of the KV engine. Empty: `secret`.' } },
  {
    secret_path: {
      type: 'string',
      description: 'vault: path of one secret below the mount, or, with a slash at its end, of a folder.',
    },
  },
  {
    kv_version: {
      type: 'integer',
      description: 'vault: version of the KV engine. Empty: the server is asked.',
      between: [1, 2],
    },
  },
  {
    cert_field: {
      type: 'string',
      description:
        'vault: key of the secret that holds the leaf and its chain. Empty: common names are tried.',
    },
  },
  {
    key_field: {
      type: 'string',
      description: 'vault: key of the secret that holds the private key. Empty: common names are tried.',
    },
  },
  {
    chain_field: {
      type: 'string',
      description:
        'vault: key of the secret that holds the intermediates, as a text or a list. Empty: common names are tried.',
    },
  },
  { role_id: { type: 'string', description: 'vault: role ID, for the login with AppRole.' } },
  {
    secret_id: {
      type: 'string',
      description: 'vault: secret ID of the AppRole. Prefer `secret_id_file`.',
      referenceable: true,
    },
  },
  {
    secret_id_file: {
      type: 'string',
      description: 'vault: file that holds the secret ID of the AppRole. It is read at every login.',
      match_any: ABSOLUTE_PATH,
    },
  },
  { role: { type: 'string', description: "vault: role, for the login with the pod's service account." } },
  {
    jwt_file: {
      type: 'string',
      description:
        "vault: file of the service account's token. Empty: `/var/run/secrets/kubernetes.io/serviceaccount/token`.",
      match_any: ABSOLUTE_PATH,
    },
  },
  {
    auth_mount: {
      type: 'string',
      description: 'vault: mount of the auth method, without `auth/`. Empty: `approle` or `kubernetes`.',
    },
  },
] as const satisfies readonly NamedField[];
