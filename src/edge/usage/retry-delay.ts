/** What is away is often back in a moment. Source of the most: Cloudflare Queues, "Delay messages" (12 hours). */
const FIRST_SECONDS = 5;
const MOST_SECONDS = 12 * 3_600;

/** How long a message waits that could not be copied now: doubled from attempt to attempt, so that ten attempts outlast an hour's outage. */
export function retryDelaySeconds(attempts: number): number {
  return Math.min(MOST_SECONDS, FIRST_SECONDS * 2 ** Math.max(0, attempts - 1));
}
