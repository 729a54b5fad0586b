/** Seconds of a day, and the series of one certificate that ends in `days` out of a life of `life` days. */
const DAY = 86_400;
const PREFIX = 'kong_ssl_cert_reloader_';
const LABELS =
  'source="directory:/certs",certificate_id="c1",half="main",instance="kong-1",job="ssl-cert-reloader"';
type Series = Record<string, string>;

export const endsIn = (days: number, life: number, more: { served?: number; source?: number } = {}) => ({
  [`${PREFIX}certificate_not_after_timestamp_seconds{${LABELS},origin="stored"}`]: `${days * DAY}x1500`,
  [`${PREFIX}certificate_renewal_due_timestamp_seconds{${LABELS}}`]: `${Math.round(((more.source ?? days) - life / 3) * DAY)}x1500`,
  [`${PREFIX}certificate_info{${LABELS},snis="www.example.test"}`]: '1x1500',
  ...(more.served === undefined
    ? {}
    : {
        [`${PREFIX}certificate_not_after_timestamp_seconds{${LABELS},origin="served"}`]: `${more.served * DAY}x1500`,
      }),
  ...(more.source === undefined
    ? {}
    : {
        [`${PREFIX}certificate_not_after_timestamp_seconds{${LABELS},origin="source"}`]: `${more.source * DAY}x1500`,
      }),
});
const one = (name: string, values: string, labels = '') => ({
  [`${PREFIX}${name}{${labels === '' ? '' : `${labels},`}instance="kong-1",job="ssl-cert-reloader"}`]: values,
});

/** What clients without SNI get ends in so many days, and what is in the file in as many or others. */
const byDefault = (served: number, source = served) => ({
  ...one(
    'default_certificate_not_after_timestamp_seconds',
    `${served * DAY}x30`,
    'location="/c.crt",origin="served"',
  ),
  ...one(
    'default_certificate_not_after_timestamp_seconds',
    `${source * DAY}x30`,
    'location="/c.crt",origin="source"',
  ),
});

/** When, at which time after the start, and who fires: its `days`, '' where it has none. */
export type Case = [when: string, series: Series, at: string, fires: string[]];

const SOURCE = 'source="directory:/certs"';
const ENTRY = 'entry="e1"';

/** By alert: when it fires, and when it does not. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  KongCertificateExpired: [
    ['it has ended', endsIn(-1, 90), '1m', ['']],
    ['the one that is served has ended, whatever is stored', endsIn(60, 90, { served: -1 }), '1m', ['']],
    ['the one that is stored has ended, and another is served', endsIn(-1, 90, { served: 60 }), '1m', []],
    ['it ends tomorrow', endsIn(1, 90), '1m', []],
  ],
  KongCertificateExpiring: [
    ['a year ends in 31 days', endsIn(31, 365), '20m', []],
    ['a year ends in 29 days', endsIn(29, 365), '20m', ['30']],
    ['it is like that for a minute', endsIn(29, 365), '1m', []],
    ['a year ends in 13 days', endsIn(13, 365), '20m', ['14']],
    ['a year ends in 6 days', endsIn(6, 365), '20m', ['7']],
    ['a year ends within a day', endsIn(0.9, 365), '20m', ['1']],
    ['it has ended', endsIn(-1, 365), '20m', []],
    ['90 days end in 29, when it is renewed', endsIn(29, 90), '20m', []],
    ['90 days end in 13', endsIn(13, 90), '20m', ['14']],
    [
      'an old one of 90 days ends in 29, and the source has a new one',
      endsIn(29, 90, { source: 89 }),
      '20m',
      ['30'],
    ],
    ['six days end in three', endsIn(3, 6), '20m', []],
    [
      'the one that is served ends in 6 days, whatever is stored',
      endsIn(300, 365, { served: 6 }),
      '20m',
      ['7'],
    ],
  ],
  KongCertificateOutOfSync: [
    ['it lasts', one('certificate_in_sync', '0x30', LABELS.replace(/,instance.*/, '')), '16m', ['']],
    ['a swap takes its time', one('certificate_in_sync', '0x10 1x30'), '20m', []],
  ],
  KongCertificateNotServed: [
    ['it lasts', one('certificates', '1x30', 'state="not_served"'), '6m', ['']],
    [
      'everything is in sync',
      {
        ...one('certificates', '0x30', 'state="not_served"'),
        ...one('certificates', '9x30', 'state="in_sync"'),
      },
      '6m',
      [],
    ],
  ],
  KongCertificateRefused: [
    ['one is refused', one('certificates', '0x5 1x30', 'state="refused"'), '10m', ['']],
    ['none is refused any more', one('certificates', '1x5 0x30', 'state="refused"'), '10m', []],
  ],
  KongCertificateRolledBack: [
    ['one was put back', one('rollbacks_total', '0x5 1x100'), '10m', ['']],
    ['that was more than an hour ago', one('rollbacks_total', '0x5 1x100'), '80m', []],
  ],
  KongCertificateSwapFailing: [
    ['it fails again and again', one('swaps_total', '0+1x30', 'result="failed"'), '15m', ['']],
    ['it failed once', one('swaps_total', '0x5 1x30', 'result="failed"'), '15m', []],
    ['all is swapped', one('swaps_total', '0+1x30', 'result="served"'), '15m', []],
  ],
  KongCertificateRenewalOverdue: [
    ['a renewal is late by a fifth of the rest', endsIn(24, 90, { source: 24 }), '61m', ['']],
    ['a renewal is due since a day', endsIn(29, 90, { source: 29 }), '61m', []],
    ['the source has a newer one', endsIn(24, 90, { source: 89 }), '61m', []],
    ['it has expired, which is told', endsIn(-1, 90, { source: -1 }), '61m', []],
  ],
  KongCertificateSourceDown: [
    ['it lasts', one('source_up', '0x30', SOURCE), '6m', ['']],
    ['it is up again', one('source_up', '0x3 1x30', SOURCE), '6m', []],
  ],
  SslCertReloaderStalled: [
    [
      'no pass was made for an hour',
      {
        ...one('last_poll_timestamp_seconds', '0x100', ENTRY),
        ...one('poll_interval_seconds', '300x100', ENTRY),
      },
      '60m',
      [''],
    ],
    ['not a single pass was made', one('poll_interval_seconds', '300x100', ENTRY), '10m', ['']],
    [
      'a pass is made each interval',
      {
        ...one('last_poll_timestamp_seconds', '0+60x100', ENTRY),
        ...one('poll_interval_seconds', '300x100', ENTRY),
      },
      '60m',
      [],
    ],
    [
      'it polls once a day',
      {
        ...one('last_poll_timestamp_seconds', '0x100', ENTRY),
        ...one('poll_interval_seconds', '86400x100', ENTRY),
      },
      '60m',
      [],
    ],
  ],
  KongDefaultCertificateExpiring: [
    ['six days are left', byDefault(6), '11m', ['']],
    ['it has expired', byDefault(-1), '11m', ['']],
    ['ten days are left', byDefault(10), '11m', []],
    ['the file alone is about to expire', byDefault(30, 3), '11m', []],
  ],
  SslCertReloaderKongUnreachable: [
    ['it lasts', one('kong_up', '0x30'), '6m', ['']],
    ['Kong was restarted', one('kong_up', '0x2 1x30'), '6m', []],
  ],
  SslCertReloaderAbsent: [
    ['there is none', { 'up{job="kong"}': '1x30' }, '11m', ['']],
    [
      'one of two is away',
      { ...one('build_info', '1x30'), 'up{job="ssl-cert-reloader",instance="kong-2"}': '0x30' },
      '11m',
      [''],
    ],
    [
      'it is there',
      { ...one('build_info', '1x30'), 'up{job="ssl-cert-reloader",instance="kong-1"}': '1x30' },
      '11m',
      [],
    ],
  ],
};
