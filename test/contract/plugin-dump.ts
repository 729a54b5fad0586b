/** The schemas that the plugin `ssl-probe` had when the exchanges were recorded. */
const SCHEMAS = {
  short: [{ interval: { type: 'number', default: 300 } }],
  full: [
    { interval: { type: 'number', between: [10, 86400], default: 300 } },
    { email: { type: 'string', required: true } },
    { secret: { type: 'string', referenceable: true, encrypted: true } },
    { domains: { type: 'array', len_min: 1, required: true, elements: { type: 'string' } } },
    { challenge: { type: 'string', one_of: ['http-01', 'dns-01'], default: 'http-01' } },
    { headers: { type: 'map', keys: { type: 'string' }, values: { type: 'string' } } },
    {
      dns: {
        type: 'record',
        required: true,
        fields: [
          { token: { type: 'string', referenceable: true } },
          { ttl: { type: 'integer', default: 60 } },
        ],
      },
    },
  ],
};

export type ProbeSchema = keyof typeof SCHEMAS;

/** A query command that prints the dump of a plugin server with `ssl-probe`. */
export function probeQueryCommand(schema: ProbeSchema): string {
  const dump = [
    {
      Name: 'ssl-probe',
      Phases: ['certificate'],
      Version: '0.1.0',
      Priority: 1,
      Schema: { name: 'ssl-probe', fields: [{ config: { type: 'record', fields: SCHEMAS[schema] } }] },
    },
  ];
  return `'${process.execPath}' -e 'process.stdout.write(JSON.stringify(${JSON.stringify(dump)}))'`;
}
