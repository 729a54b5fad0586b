export { JsonLogger, redact, stderrLogger, type Fields, type Level, type Logger } from './logger';
export { LogReporter } from './log-reporter';
