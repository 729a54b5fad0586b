import type { Reason } from '../../model';

/** Why a file of a known format cannot be used; caught in `unpack`, which puts the file and its format before it. */
export class FormatProblem extends Error {
  override readonly name = 'FormatProblem';

  constructor(
    readonly reason: Reason,
    /** What is wrong and what to do; goes on after "… looks like PKCS#12: ". Never holds what was read. */
    message: string,
  ) {
    super(message);
  }
}

/** There are many ways to see that a password is wrong; one sentence says it. */
export const wrongPassword = (): FormatProblem =>
  new FormatProblem(
    'encrypted_key',
    'the password is wrong; correct password, password_file or password_secret of its source',
  );

export const noPassword = (): FormatProblem =>
  new FormatProblem(
    'encrypted_key',
    'it is encrypted and its source has no password; set password_file (or password, password_secret) there',
  );
