export interface SourceConfig {
  type: 'file' | 'directory' | 'kubernetes';
  path?: string | null;
  cert?: string | null;
  key?: string | null;
  create?: boolean | null;
  namespaces: string[];
  names: string[];
  label_selector?: string | null;
  only_marked: boolean;
  hosts: 'leaf' | 'annotations' | 'references';
  kubeconfig?: string | null;
  context?: string | null;
  password?: string | null;
  password_file?: string | null;
  password_secret?: string | null;
  alias?: string | null;
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
  default_certificate: 'off' | 'promote' | 'reload';
  verify: { enabled: boolean; timeout: number; rollback: boolean; listeners: string[] };
  status: { listen?: string | null };
  admin: {
    url?: string | null;
    token?: string | null;
    token_file?: string | null;
    ca_file?: string | null;
  };
  log: { file?: string | null; level: 'debug' | 'info' | 'warn' | 'error' };
  trigger?: string | null;
}
