import type { Reason } from '../../model';

/** What to do about a refusal. @param message which names what cannot be read */
export function adviceOn(reason: Reason, message: string): string {
  if (reason !== 'unreadable') return `docs/reasons.md explains ${reason}`;
  if (message.includes('/etc/letsencrypt'))
    return 'give the folders of certbot a group that Kong is in, or copy the files in a deploy hook: docs/permissions.md has the commands of both';
  if (message.includes('.acme.sh'))
    return 'have acme.sh put copies elsewhere (--install-cert): docs/permissions.md';
  return 'let the user that Kong runs as read it: docs/permissions.md';
}
