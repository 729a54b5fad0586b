import type { JsonObject } from '../json';

/** Any stored entity. Rows are never changed, only replaced, so that identity tells whether one changed. */
export type Row = JsonObject & { id: string };

export type CertificateRow = Row & {
  cert: string;
  key: string;
  cert_alt: string | null;
  key_alt: string | null;
  tags: string[] | null;
  /** The SNIs as they stood nested in a declarative document; only without a database. */
  snis: JsonObject[] | null;
};

export type SniRow = Row & { name: string; certificate: { id: string } };

export type PluginRow = Row & {
  name: string;
  instance_name: string | null;
  config: JsonObject;
  enabled: boolean;
};
