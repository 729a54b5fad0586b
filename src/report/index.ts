export { DefaultCertificateLog } from './default-certificate-log';
export { EventReporter, type PostEvent } from './event-reporter';
export { LOG_FIELDS, type Fields, type LogField } from './log-fields';
export { LogFile } from './log-file';
export { LogHub, stderrLogger, type LogRoot, type LogSettings, type OpenLog } from './log-hub';
export { JsonLogger, type Level, type Logger } from './logger';
export { LogReporter } from './log-reporter';
export { WriteBackLog } from './write-back-log';
export { redact } from '../common/redact';
