/** Prefix of every metric; public. */
export const PREFIX = 'kong_ssl_cert_reloader_';

export interface MetricFacts {
  type: 'gauge' | 'counter' | 'histogram';
  help: string;
  /** Every label that a sample may have. */
  labels: readonly string[];
}

const OF_CERTIFICATE = ['source', 'certificate_id', 'half'];

const gauge = (help: string, ...labels: string[]): MetricFacts => ({ type: 'gauge', help, labels });
const counter = (help: string, ...labels: string[]): MetricFacts => ({ type: 'counter', help, labels });
const histogram = (help: string): MetricFacts => ({ type: 'histogram', help, labels: ['le'] });

/** All metrics, in the order of the output. Names, labels and their values are public (docs/metrics.md). */
export const METRICS = {
  build_info: gauge('1, with the version of the plugin and of Node.js.', 'version', 'node_version'),
  status_info: gauge('1, with the address of the page and the runbooks, where status.url is set.', 'url'),
  configuration_error: gauge('1 where a newer configuration cannot be used, so that the one before goes on.'),
  kong_up: gauge("Whether Kong's Admin API answers."),
  knowledge_timestamp_seconds: gauge('As of when everything about certificates and sources is.', 'entry'),
  knowledge_current: gauge(
    '1 where Kong and the sources were asked by the last pass, 0 where what was known last is shown.',
    'entry',
  ),
  certificate_not_after_timestamp_seconds: gauge(
    'When the leaf expires that the source has, Kong stores, or Kong serves.',
    ...OF_CERTIFICATE,
    'origin',
  ),
  certificate_trouble_since_timestamp_seconds: gauge(
    'Since when a certificate is refused, pending, not served or unproven, or a bundle is kept out of Kong.',
    ...OF_CERTIFICATE,
    'state',
    'reason',
    'snis',
    'location',
  ),
  certificate_info: gauge(
    '1, with what Kong stores.',
    ...OF_CERTIFICATE,
    'fingerprint_sha256',
    'serial',
    'owner',
    'snis',
    'location',
  ),
  certificate_in_sync: gauge(
    '1 where source, stored and served agree, 0 where they differ; absent where that is not known.',
    ...OF_CERTIFICATE,
  ),
  certificate_renewal_due_timestamp_seconds: gauge(
    'When a newer leaf should be there: as cert-manager says, else after 2/3 of the life of the newest.',
    ...OF_CERTIFICATE,
  ),
  certificate_warning_timestamp_seconds: gauge(
    'From when on its renewal is late, what Kong serves ends soon, and that is critical.',
    ...OF_CERTIFICATE,
    'level',
  ),
  certificates: gauge('Certificates and bundles by their state.', 'state'),
  certificate_lives: gauge('Certificates in Kong by how much of their life is left.', 'level'),
  default_certificate_in_sync: gauge(
    '1 where clients without SNI get what is in this file of ssl_cert, 0 until Kong is reloaded.',
    'location',
  ),
  default_certificate_not_after_timestamp_seconds: gauge(
    'When the leaf expires that is in the file, or that clients without SNI are served instead.',
    'location',
    'origin',
  ),
  default_certificate_warning_timestamp_seconds: gauge(
    'From when on what clients without SNI get ends soon, and that is critical.',
    'location',
    'level',
  ),
  node_certificate_in_sync: gauge(
    '1 where Kong has read the certificates that its configuration names for itself, 0 until it is reloaded.',
    'location',
    'uses',
  ),
  node_certificate_not_after_timestamp_seconds: gauge(
    "When the leaf of Kong's own certificate expires that is in the file, or that its listener shows.",
    'location',
    'uses',
    'origin',
  ),
  node_certificate_warning_timestamp_seconds: gauge(
    "From when on Kong's own certificate ends soon, and that is critical.",
    'location',
    'uses',
    'level',
  ),
  source_up: gauge('Whether the source could be looked at whole.', 'source'),
  source_bundles: gauge('Bundles that the source holds.', 'source'),
  source_errors_total: counter('Troubles of sources that were new, by reason.', 'reason'),
  rejected_total: counter('Bundles that were refused, by reason; each once until it changes.', 'reason'),
  swaps_total: counter('Writes of certificates to Kong, by result.', 'result'),
  rollbacks_total: counter('Certificates that were written, not served, and taken back.'),
  takeovers_total: counter('Certificates of the ingress controller that it did not write in its time.'),
  swap_duration_seconds: histogram('From the decision to write until the handshakes were done.'),
  propagation_seconds: histogram('From the write until every worker served it.'),
  leader: gauge('1 where this gateway writes, 0 where another one does or nobody.', 'entry'),
  last_poll_timestamp_seconds: gauge('When the last pass ended that could be made.', 'entry'),
  last_poll_duration_seconds: gauge('How long the last pass took.', 'entry'),
  poll_interval_seconds: gauge('Seconds between polls as configured.', 'entry'),
  admin_requests_total: counter(
    'Requests to the Admin API by method and status code; 0 where there was no answer.',
    'method',
    'code',
  ),
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof METRICS;
