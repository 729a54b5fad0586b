import type { LiveSettings } from './kong';

/** @param pg `postgres://USER:PASSWORD@HOST:PORT/DATABASE` of a database that may be emptied */
export function settingsOf(kong: string, pg?: string): LiveSettings {
  if (pg === undefined) return { kong, database: [] };
  const { hostname, port, username, password, pathname } = new URL(pg);
  return {
    ...{ kong, pg },
    database: [
      `pg_host = ${hostname}`,
      `pg_port = ${port === '' ? '5432' : port}`,
      `pg_user = ${decodeURIComponent(username)}`,
      `pg_password = ${decodeURIComponent(password)}`,
      `pg_database = ${pathname.slice(1)}`,
    ],
  };
}
