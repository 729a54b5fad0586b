import { refusal, type Change, type WriteResult } from '../../model';
import { failureKindOf, type FailureKind } from '../../model';
import { AdminError, kongMessage, type AdminClient, type AdminResponse } from './client';

/**
 * Body of a successful answer.
 * @throws AdminError with the meaning of any other answer
 */
export function bodyOf(
  client: AdminClient,
  request: string,
  answer: AdminResponse,
  statuses: readonly number[] = [200],
): object {
  const { status, body } = answer;
  if (!statuses.includes(status) || typeof body !== 'object' || body === null) {
    throw answerError(client, request, answer);
  }
  return body;
}

/** The body, or null where the entity is not there. @throws AdminError */
export function bodyIfThere(client: AdminClient, request: string, answer: AdminResponse): object | null {
  return isGone(answer) ? null : bodyOf(client, request, answer);
}

/** Whether an answer may be JSON, judged by its first octet. */
export const isJson = ({ bytes }: AdminResponse): boolean => bytes[0] === OPENING_BRACE;

const OPENING_BRACE = 0x7b;

/** Whether the entity is gone. A 404 may also mean a missing workspace, or come from another server than Kong. */
export const isGone = (answer: AdminResponse): boolean =>
  answer.status === 404 && isJson(answer) && !/workspace|no route matched/i.test(kongMessage(answer.body));

/**
 * The error for an unexpected answer.
 * @param words what is wrong with it, where the status does not tell
 */
export function answerError(
  client: AdminClient,
  request: string,
  answer: AdminResponse,
  words?: string,
): AdminError {
  const { status, body, headers } = answer;
  const said = status < 400 ? 'no message' : kongMessage(body);
  const start = `the Admin API at ${client.url} answered ${request} with ${status}`;
  const because = (words: string) => `${start}: ${words}`;
  const error = (message: string, kind?: FailureKind) =>
    new AdminError('ADMIN_STATUS', message, status, { ...(kind === undefined ? {} : { kind }) });
  if (words !== undefined) return error(because(words), 'forbidden');
  const advice =
    body === null && status === 400 ? adviceOfNginx(answer.bytes.toString('latin1', 0, 2_000)) : null;
  if (advice !== null) return error(because(advice), 'forbidden');
  if (body === null && status < 300) {
    return error(
      because('the answer is not JSON; is it a web page or a login form instead of the Admin API?'),
      'forbidden',
    );
  }
  if (status >= 300 && status < 400) {
    const to = hostOf(headers.location);
    return error(because(`it leads to ${to}; is that a login form? give the Admin API's own address`));
  }
  if (status === 401)
    return error(because('set admin.token_file, admin.headers_file or admin.client_cert_file'));
  if (status === 403) {
    return /licen[sc]e/i.test(said)
      ? error(because(`${said}; without a licence Kong's Admin API is read-only`))
      : error(because(`${said}; the user of this token or certificate may not do that`));
  }
  if (status === 404 && !isGone(answer)) {
    return error(because(`${said}; is the address or the workspace (admin.workspaces) right?`), 'forbidden');
  }
  if (status === 405) return error(because(`${said}; this Admin API is read-only`));
  return error(because(said));
}

/** Advice for an answer that nginx gives by itself, before Kong sees the request. */
function adviceOfNginx(page: string): string | null {
  if (page.includes('No required SSL certificate')) {
    return 'it wants a client certificate; set admin.client_cert_file and admin.client_key_file';
  }
  if (page.includes('SSL certificate error')) {
    return 'it does not accept the client certificate in admin.client_cert_file; is it of the right CA, and not expired?';
  }
  return page.includes('plain HTTP request') ? 'it speaks TLS; give its address as https://…' : null;
}

/** The host of an address; the rest of a redirect may hold a session. */
function hostOf(location: string | undefined): string {
  return location !== undefined && URL.canParse(location) ? new URL(location).host : 'another page';
}

/** The result of a write that threw an error. */
export function resultOfError(change: Change, error: unknown): WriteResult {
  const failure = failureKindOf(error);
  const { message } = error as Error;
  switch (failure) {
    case 'refused':
      return { kind: 'refused', change, refusal: refusal('refused_by_kong', message) };
    case 'conflict':
      return { kind: 'conflict', change, error: error as Error };
    default:
      return { kind: 'failed', change, error: error as Error, failure };
  }
}

/** The certificate was removed between the decision to write and the write. */
export const goneError = (id: string): AdminError =>
  new AdminError('ADMIN_STATUS', `certificate ${id} is no longer in Kong`, 404);

/** The certificate was changed between the decision to write and the write. */
export const changedError = (id: string): AdminError =>
  new AdminError('ADMIN_STATUS', `certificate ${id} has changed since its renewal was planned`, 409);
