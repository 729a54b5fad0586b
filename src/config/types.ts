export interface SourceConfig extends RemoteConfig, VaultConfig, HttpConfig {
  type: 'file' | 'directory' | 'kubernetes' | 'vault' | 'http';
  path?: string | null;
  cert?: string | null;
  key?: string | null;
  create?: boolean | null;
  namespaces: string[];
  names: string[];
  label_selector?: string | null;
  only_marked: boolean;
  trust: boolean;
  resource: 'secrets' | 'configmaps';
  hosts: 'leaf' | 'annotations' | 'references';
  kubeconfig?: string | null;
  context?: string | null;
  password?: string | null;
  password_file?: string | null;
  password_secret?: string | null;
  alias?: string | null;
}

interface RemoteConfig {
  url?: string | null;
  token?: string | null;
  token_file?: string | null;
  ca_file?: string | null;
  client_cert_file?: string | null;
  client_key_file?: string | null;
  timeout?: number | null;
}

interface VaultConfig {
  namespace?: string | null;
  mount?: string | null;
  secret_path?: string | null;
  kv_version?: number | null;
  cert_field?: string | null;
  key_field?: string | null;
  chain_field?: string | null;
  role_id?: string | null;
  secret_id?: string | null;
  secret_id_file?: string | null;
  role?: string | null;
  jwt_file?: string | null;
  auth_mount?: string | null;
}

interface HttpConfig {
  key_url?: string | null;
  username?: string | null;
}

export interface AlertsConfig {
  webhook?: string | null;
  webhook_file?: string | null;
  format: 'json' | 'slack' | 'alertmanager';
  headers: string[];
  token_file?: string | null;
  ca_file?: string | null;
  allow_http: boolean;
  reminder_days: number;
  grace: number;
}

/** The plugin's `config`, with every default filled in. Names are Kong's: snake_case, seconds. */
export interface Config {
  interval: number;
  watch: boolean;
  mode: 'apply' | 'observe';
  sources: SourceConfig[];
  takeover: 'observe' | 'nudge' | 'force';
  takeover_grace: number;
  allow_downgrade: boolean;
  leader_election: { enabled: boolean; lease: string; namespace?: string | null; duration: number };
  default_certificate: 'off' | 'promote' | 'reload';
  write_back: boolean;
  write_back_file?: string | null;
  verify: { enabled: boolean; timeout: number; rollback: boolean; listeners: string[] };
  status: { listen?: string | null };
  admin: {
    url?: string | null;
    token?: string | null;
    token_file?: string | null;
    ca_file?: string | null;
  };
  expiry_warning_days: number[];
  alerts: AlertsConfig;
  log: { file?: string | null; level: 'debug' | 'info' | 'warn' | 'error' };
  trigger?: string | null;
}
