import { NoAnswerError } from '../../common/request';
import { refusal, type Reason, type Refusal } from '../../model';

/** Why a remote source cannot be read just now; thrown within the source, data outside of it. */
export class Trouble extends Error {
  override readonly name = 'Trouble';
  readonly refusal: Refusal;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.refusal = refusal(reason, message);
  }
}

/** @param where what was asked, without credentials */
export function refusalOf(error: unknown, where: string): Refusal {
  if (error instanceof Trouble) return error.refusal;
  const { message } = error as Error;
  if (!(error instanceof NoAnswerError))
    return refusal('unreachable', `${where} cannot be asked: ${message}`);
  return error.code === 'TOO_LARGE'
    ? refusal('too_large', `${where} cannot be taken: ${message}`)
    : refusal('unreachable', `${where} cannot be reached: ${message}`);
}
