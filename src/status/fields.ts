import type { NamedField } from '../config';

export const STATUS = {
  status: {
    type: 'record',
    description: 'Where status, metrics and the page are served, besides the unix socket.',
    required: true,
    fields: [
      {
        listen: {
          type: 'string',
          ends_with_port: true,
          description:
            'Address and port to listen on, such as `127.0.0.1:8110` or `[::1]:8110`. Empty: none.',
          match_any: {
            // `[` needs no escape inside brackets, neither in Lua nor in JavaScript.
            patterns: ['^[-0-9A-Za-z.]+:[0-9]+$', '^[[][0-9A-Fa-f:.]+.:[0-9]+$'],
            err: 'must be an address with a port, such as 127.0.0.1:8110 or [::1]:8110',
          },
        },
      },
      {
        url: {
          type: 'string',
          description: 'Public address of the page. Alerts link to it and to its runbooks.',
          match_any: {
            patterns: ['^https?://[^ ?#]+$'],
            err: 'must be an address such as https://kong-1.example.com:8110/, without ? or #',
          },
        },
      },
    ],
  },
} as const satisfies NamedField;
