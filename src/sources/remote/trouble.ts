import { HttpFailure } from '../../http';
import { refusal, type Reason, type Refusal } from '../../model';

/** Why a remote source cannot be read now; thrown within the source, data outside of it. */
export class Trouble extends Error {
  override readonly name = 'Trouble';
  readonly refusal: Refusal;

  constructor(reason: Reason, message: string) {
    super(message);
    this.refusal = refusal(reason, message);
  }
}

/** @param where the address in question, without credentials */
export function refusalOf(error: unknown, where: string): Refusal {
  if (error instanceof Trouble) return error.refusal;
  if (!(error instanceof HttpFailure)) {
    return refusal('unreachable', `${where} cannot be asked: ${(error as Error).message}`);
  }
  switch (error.code) {
    case 'too_large':
      return refusal('too_large', `${where} cannot be used: ${error.why}`);
    case 'credentials':
      return refusal('unreadable', error.why);
    case 'no_answer':
    case 'untrusted':
    case 'status':
      return refusal('unreachable', `${where} cannot be reached: ${error.why}`);
  }
}
