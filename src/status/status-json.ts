import { toJson } from '../common/safe-text';
import { Slices } from '../common/slices';
import { shownOf } from './reloader-view';
import type { HistoryReport } from '../public';
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
      text += separator + toJson(certificate);
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
export async function* historyJson({ entries, is_cut: isCut }: HistoryReport): AsyncGenerator<string> {
  const slices = new Slices();
  let text = '{"entries":[';
  for (const [index, entry] of entries.entries()) {
    text += `${index === 0 ? '' : ','}${toJson(entry)}`;
    if (text.length >= CHUNK) {
      yield text;
      text = '';
    }
    if (slices.due) await slices.pause();
  }
  yield `${text}],"is_cut":${isCut}}\n`;
}
