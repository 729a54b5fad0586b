import { lifeOf, renewalLateAt } from '../../src/model';

/** Seconds of a day, and the series of one certificate that ends in `days` out of a life of `life` days. */
const DAY = 86_400;
const PREFIX = 'kong_ssl_cert_reloader_';
const LABELS =
  'source="directory:/certs",certificate_id="c1",half="main",instance="kong-1",job="ssl-cert-reloader"';
export type Series = Record<string, string>;

/** From when on it is late, ends soon and is critical, as the plugin says. */
function warnings(days: number, life: number, renewedDays: number): Series {
  const [notAfter, newest] = [days, renewedDays].map((end) => end * DAY * 1000) as [number, number];
  const renewalAt = newest - (life / 3) * DAY * 1000;
  const { soonAt, criticalAt } = lifeOf(
    { notBefore: notAfter - life * DAY * 1000, notAfter, renewalAt },
    notAfter,
  );
  const levels = {
    renewal_overdue: renewalLateAt(renewalAt, newest),
    ends_soon: soonAt,
    critical: criticalAt,
  };
  return Object.fromEntries(
    Object.entries(levels).map(([level, at]) => [
      `${PREFIX}certificate_warning_timestamp_seconds{${LABELS},level="${level}"}`,
      `${Math.round(at / 1000)}x1500`,
    ]),
  );
}

export const endsIn = (
  days: number,
  life: number,
  more: { served?: number; source?: number } = {},
): Series => ({
  [`${PREFIX}certificate_not_after_timestamp_seconds{${LABELS},origin="stored"}`]: `${days * DAY}x1500`,
  ...warnings(more.served ?? days, life, more.source ?? days),
  [`${PREFIX}certificate_info{${LABELS},snis="www.example.test"}`]: '1x1500',
  ...(more.served === undefined
    ? {}
    : {
        [`${PREFIX}certificate_not_after_timestamp_seconds{${LABELS},origin="served"}`]: `${more.served * DAY}x1500`,
      }),
});

/** It is in a state that somebody should know of. */
const inState = (state: string, values: string, reason = '', labels = LABELS): Series => ({
  [`${PREFIX}certificate_trouble_since_timestamp_seconds{${labels},state="${state}",reason="${reason}",snis="www.example.test",location="/certs/www.crt"}`]:
    values,
});

/**
 * Series around a restart of the plugin after ten minutes, while Kong is away; after half an hour it is back.
 * @param after the series of the certificate from then on
 */
const restarted = (series: Series, after = ''): Series => ({
  ...Object.fromEntries(
    Object.entries(series).map(([name, values]) => [
      name,
      `${values.replace(/x.*/, 'x10')} stale _x19 ${after}`.trim(),
    ]),
  ),
  [`${PREFIX}knowledge_current{entry="e1",instance="kong-1",job="ssl-cert-reloader"}`]: '1x10 0x20 1x60',
  'up{instance="kong-1",job="ssl-cert-reloader"}': '1x100',
});

const one = (name: string, values: string, labels = '') => ({
  [`${PREFIX}${name}{${labels === '' ? '' : `${labels},`}instance="kong-1",job="ssl-cert-reloader"}`]: values,
});

/** The default certificate expires in `served` days, the one in its file in `source` days. */
const byDefault = (served: number, source = served) => ({
  ...one(
    'default_certificate_not_after_timestamp_seconds',
    `${served * DAY}x30`,
    'location="/c.crt",origin="served"',
  ),
  ...one(
    'default_certificate_warning_timestamp_seconds',
    `${(served - 90 / 12) * DAY}x30`,
    'location="/c.crt",level="critical"',
  ),
  ...one(
    'default_certificate_not_after_timestamp_seconds',
    `${source * DAY}x30`,
    'location="/c.crt",origin="source"',
  ),
});

/** Kong's own certificate for the Admin API ends in so many days; what its listener shows is not known where `served` is null. */
const node = (served: number | null, source: number) => {
  const labels = 'location="/admin.crt",uses="admin"';
  const end = served ?? source;
  const ends = 'node_certificate_not_after_timestamp_seconds';
  const warns = 'node_certificate_warning_timestamp_seconds';
  return {
    ...(served === null ? {} : one(ends, `${served * DAY}x30`, `${labels},origin="served"`)),
    ...one(ends, `${source * DAY}x30`, `${labels},origin="source"`),
    ...one(warns, `${(end - 15) * DAY}x30`, `${labels},level="ends_soon"`),
    ...one(warns, `${(end - 7.5) * DAY}x30`, `${labels},level="critical"`),
  };
};

/** When, at which time after the start, and who fires: its `level`, '' where it has none. */
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
    [
      'it had ended, and the plugin was started anew while Kong is away',
      restarted(endsIn(-1, 90)),
      '25m',
      [''],
    ],
    ['it had ended, and is gone when Kong is back', restarted(endsIn(-1, 90)), '40m', []],
  ],
  KongCertificateExpiring: [
    // Half, then three quarters of the last third of its life are over.
    ['a year ends in 61 days', endsIn(61, 365), '20m', []],
    ['a year ends in 60 days', endsIn(60, 365), '20m', ['ends_soon']],
    ['a year ends in 30 days', endsIn(30, 365), '20m', ['critical']],
    ['200 days end in 34', endsIn(34, 200), '20m', []],
    ['200 days end in 33', endsIn(33, 200), '20m', ['ends_soon']],
    ['90 days end in 29, when they are renewed', endsIn(29, 90), '20m', []],
    ['90 days end in 14', endsIn(14, 90), '20m', ['ends_soon']],
    ['90 days end in 7', endsIn(7, 90), '20m', ['critical']],
    ['47 days end in 8', endsIn(8, 47), '20m', []],
    ['47 days end in 7', endsIn(7, 47), '20m', ['ends_soon']],
    ['six days end in a day and a half', endsIn(1.5, 6), '20m', []],
    ['six days end in 23 hours', endsIn(23 / 24, 6), '20m', ['ends_soon']],
    ['six days end in 11 hours', endsIn(11 / 24, 6), '20m', ['critical']],
    ['a day ends in five hours', endsIn(5 / 24, 1), '20m', []],
    ['a day ends in four hours', endsIn(4 / 24, 1), '20m', ['ends_soon']],
    ['a day ends in two hours', endsIn(2 / 24, 1), '20m', ['critical']],
    ['it has ended', endsIn(-1, 365), '20m', []],
    [
      'an old one of 90 days ends in 14, and the source has a new one',
      endsIn(14, 90, { source: 89 }),
      '20m',
      ['ends_soon'],
    ],
    [
      'the one that is served ends in 6 days, whatever is stored',
      endsIn(300, 365, { served: 6 }),
      '20m',
      ['critical'],
    ],
    [
      'it ended soon, and the plugin was started anew while Kong is away',
      restarted(endsIn(14, 90)),
      '25m',
      ['ends_soon'],
    ],
  ],
  KongCertificateOutOfSync: [
    ['it lasts', inState('pending', '0x30'), '16m', ['']],
    ['a swap takes its time', inState('pending', '0x10 stale'), '20m', []],
    ['it cannot be written, which is told', inState('pending', '0x30', 'away'), '16m', []],
  ],
  KongCertificateHeld: [
    ['it waits for a person', inState('pending', '0x30', 'approval'), '6m', ['']],
    ['it is pinned', inState('pending', '0x30', 'pinned'), '6m', ['']],
    ['it is approved', inState('pending', '0x3 stale', 'approval'), '6m', []],
    ['a freeze, and there is time', { ...endsIn(60, 90), ...inState('pending', '0x30', 'frozen') }, '6m', []],
    ['a freeze near its end', { ...endsIn(14, 90), ...inState('pending', '0x30', 'frozen') }, '6m', ['']],
    ['nothing holds it back', inState('pending', '0x30'), '6m', []],
  ],
  KongReloadPending: [
    ['nobody reloads Kong', one('default_certificate_in_sync', '0x30', 'location="/c.crt"'), '16m', ['']],
    ['it is reloaded', one('default_certificate_in_sync', '0x10 1x30', 'location="/c.crt"'), '20m', []],
  ],
  SslCertReloaderConfigurationRefused: [
    ['one cannot be used', one('configuration_error', '1x30'), '3m', ['']],
    ['it is mended', one('configuration_error', '1x1 0x30'), '5m', []],
  ],
  KongWritesForbidden: [
    ['Kong answers 403', inState('pending', '0x30', 'forbidden'), '5m', ['']],
    ['Kong is away', inState('pending', '0x30', 'away'), '5m', []],
  ],
  KongCertificateNotServed: [
    ['it lasts', inState('not_served', '0x30'), '6m', ['']],
    ['it is served again', inState('not_served', '0x3 stale'), '10m', []],
    [
      'it was so, and the plugin was started anew while Kong is away',
      restarted(inState('not_served', '0x30')),
      '25m',
      [''],
    ],
    ['it was so, and is served when Kong is back', restarted(inState('not_served', '0x30')), '40m', []],
    ['it was so, and the gateway is gone', inState('not_served', '0x10 stale'), '25m', []],
  ],
  KongCertificateRefused: [
    ['one is refused', inState('refused', '0x30', 'key_mismatch'), '10m', ['']],
    [
      'one that is not in Kong is refused',
      inState('refused', '0x30', 'expired', LABELS.replace('c1', '')),
      '10m',
      [''],
    ],
    ['it is refused no more', inState('refused', '0x5 stale', 'key_mismatch'), '10m', []],
    ['it was rolled back, which is told', inState('refused', '0x30', 'not_served'), '10m', []],
    [
      'it was refused, and the plugin was started anew while Kong is away',
      restarted(inState('refused', '0x30', 'expired')),
      '25m',
      [''],
    ],
  ],
  KongCertificateRolledBack: [
    ['it was not served', inState('refused', '0x30', 'not_served'), '1m', ['']],
    ['it is refused for something else', inState('refused', '0x30', 'expired'), '1m', []],
  ],
  KongCertificateSwapFailing: [
    ['it fails again and again', inState('pending', '0x30', 'mistake'), '15m', ['']],
    ['it failed, and was written then', inState('pending', '0x5 stale', 'away'), '15m', []],
    ['it may not be written, which is told', inState('pending', '0x30', 'forbidden'), '15m', []],
    ['it is pinned, which is told', inState('pending', '0x30', 'pinned'), '15m', []],
  ],
  KongCertificateRenewalOverdue: [
    ['a renewal is late by a fifth of the rest', endsIn(24, 90), '61m', ['']],
    ['a renewal is due since a day', endsIn(29, 90), '61m', []],
    ['six days were to be renewed five hours ago', endsIn(43 / 24, 6), '10m', ['']],
    ['a day was to be renewed an hour ago', endsIn(7 / 24, 1), '10m', ['']],
    ['the source has a newer one', endsIn(24, 90, { source: 89 }), '61m', []],
    ['it has expired, which is told', endsIn(-1, 90), '61m', []],
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
  KongNodeCertificateExpiring: [
    ['ten days are left', node(10, 10), '11m', ['ends_soon']],
    ['six days are left', node(6, 90), '11m', ['ends_soon', 'critical']],
    ['it has no listener, and six days are left', node(null, 6), '11m', ['ends_soon', 'critical']],
    ['it has expired', node(-1, -1), '11m', ['ends_soon', 'critical']],
    ['twenty days are left', node(20, 20), '11m', []],
    ['the file alone is about to expire', node(30, 3), '11m', []],
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
