import { toJson } from '../common/safe-text';
import { Slices } from '../common/slices';
import { certificateJson } from './certificate-json';
import { shownOf } from './reloader-view';
import type { HistoryReport, ListReport } from '../public';
import type { ReportView } from './report-view';

/** Characters that are collected before they are sent. */
const CHUNK = 64 * 1024;

/** The JSON of `/status` in pieces: 10,000 certificates make 10 MB, which are never held at once. */
export async function* statusJson({
  adminRequests: _,
  reloaders,
  ...rest
}: ReportView): AsyncGenerator<string> {
  const slices = new Slices();
  let text = `${toJson(rest).slice(0, -1)},"reloaders":[`;
  for (const [index, view] of reloaders.entries()) {
    text += `${index === 0 ? '' : ','}${toJson(shownOf(view)).slice(0, -1)},"certificates":[`;
    let separator = '';
    for (const certificate of view.certificates()) {
      text += separator + certificateJson(certificate);
      separator = ',';
      if (text.length >= CHUNK) {
        yield text;
        text = '';
      }
      if (slices.due) await slices.pause();
    }
    text += ']}';
  }
  yield `${text}]}\n`;
}

/** The JSON of `/history` in pieces. */
export const historyJson = ({ entries, ...rest }: HistoryReport) => inPieces('entries', entries, rest);

/** The JSON of `/certificates` in pieces: one certificate may have a thousand names. */
export const listJson = ({ certificates, ...rest }: ListReport) =>
  inPieces('certificates', certificates, rest);

/** An object with a long list, and other fields after it. */
async function* inPieces(name: string, items: readonly object[], rest: object): AsyncGenerator<string> {
  const slices = new Slices(1);
  let text = `{"${name}":[`;
  for (const [index, item] of items.entries()) {
    text += `${index === 0 ? '' : ','}${toJson(item)}`;
    if (text.length >= CHUNK) {
      yield text;
      text = '';
    }
    if (slices.due) await slices.pause();
  }
  yield `${text}],${toJson(rest).slice(1)}\n`;
}
