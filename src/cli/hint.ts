/** What users can do about messages of the AWS SDK that do not say so. */
const HINTS: readonly (readonly [message: RegExp, hint: string])[] = [
  [/Region is missing/, 'set it with --region or AWS_REGION'],
  [/Could not load credentials/, 'set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run "aws configure"'],
];

/** A message, with what can be done about it where that is known. */
export function withHint(message: string): string {
  const hint = HINTS.find(([pattern]) => pattern.test(message))?.[1];
  return hint === undefined ? message : `${message}; ${hint}`;
}
