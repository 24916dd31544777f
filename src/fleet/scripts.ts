/** The part of BullMQ's Redis client that is used. */
export interface ScriptClient {
  defineCommand(name: string, definition: { numberOfKeys: number; lua: string }): void;
  runCommand(name: string, args: (string | number)[]): Promise<unknown>;
}

/**
 * Holds a stream's job: where the lock is still this worker's, it lasts longer, and what the worker has to say is kept. All in one script,
 * so that a worker that has lost its lock changes nothing.
 *
 * Keys: the job's lock, the job, the set of stalled jobs, the streams that are followed, the stream's state. Arguments: token, length of
 * the lock in milliseconds, job id, progress as JSON, then fields and values of the state.
 *
 * Gives 0 where the lock is another's or nobody's, 1 where it holds, 2 where it holds and the stream is not to be followed any more.
 */
const HOLD = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SREM', KEYS[3], ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'progress', ARGV[4]) end
if #ARGV > 4 then redis.call('HSET', KEYS[5], unpack(ARGV, 5)) end
if redis.call('HEXISTS', KEYS[4], ARGV[3]) == 0 then return 2 end
return 1
`;

/** Streams with their states. Key: the streams that are followed. Arguments: what keys of states and of jobs begin with. */
const LIST = `
local streams = redis.call('HGETALL', KEYS[1])
local found = {}
for i = 1, #streams, 2 do
  local id = streams[i]
  found[#found + 1] = { id, streams[i + 1], redis.call('EXISTS', ARGV[2] .. id .. ':lock'), redis.call('HGETALL', ARGV[1] .. id) }
end
return found
`;

/**
 * Takes its turn in a window of time that all processes share. A call counts until the window has passed since it was answered: when it
 * has reached the service is not known. Key: the window. Arguments: limit, length of the window in milliseconds, weight, a name that nobody
 * else has, how long a call that is never answered counts. Gives 0 where the turn has come, else how many milliseconds to wait.
 */
const LIMIT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local taken = redis.call('ZCARD', KEYS[1])
local weight = math.min(tonumber(ARGV[3]), tonumber(ARGV[1]))
if taken + weight > tonumber(ARGV[1]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return math.max(1, math.min(200, tonumber(oldest[2]) + window - now))
end
for i = 1, weight do redis.call('ZADD', KEYS[1], now + ARGV[5], ARGV[4] .. ':' .. i) end
redis.call('PEXPIRE', KEYS[1], window + ARGV[5])
return 0
`;

/** A call has been answered. Key: the window. Arguments: weight, the call's name. */
const ANSWERED = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, tonumber(ARGV[1]) do redis.call('ZADD', KEYS[1], 'XX', now, ARGV[2] .. ':' .. i) end
return 1
`;

/**
 * Takes one of a number of places, or keeps it. Key: the places. Arguments: how many there are, how long one is kept in milliseconds, who
 * takes it. Gives 1 where it has one.
 */
const PLACE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[3]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;

/** Gives a place back. Key: the places. Argument: who has had it. */
const LEAVE = `return redis.call('ZREM', KEYS[1], ARGV[1])`;

/** Sets or removes a field. Key: the hash. Arguments: field, value; without a value it is removed. */
const FIELD = `
if #ARGV == 1 then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
`;

/** All of a hash. Key: the hash. */
const READ = `return redis.call('HGETALL', KEYS[1])`;

/** Removes a key. */
const FORGET = `return redis.call('DEL', KEYS[1])`;

const SCRIPTS = {
  kvsHold: { numberOfKeys: 5, lua: HOLD },
  kvsList: { numberOfKeys: 1, lua: LIST },
  kvsLimit: { numberOfKeys: 1, lua: LIMIT },
  kvsAnswered: { numberOfKeys: 1, lua: ANSWERED },
  kvsPlace: { numberOfKeys: 1, lua: PLACE },
  kvsLeave: { numberOfKeys: 1, lua: LEAVE },
  kvsField: { numberOfKeys: 1, lua: FIELD },
  kvsRead: { numberOfKeys: 1, lua: READ },
  kvsForget: { numberOfKeys: 1, lua: FORGET },
} as const;

/** Runs one of the scripts: keys first, then arguments. */
export type Run = (name: keyof typeof SCRIPTS, args: readonly (string | number)[]) => Promise<unknown>;

/** Makes the scripts known to a client. */
export function defineScripts(client: ScriptClient): Run {
  for (const [name, definition] of Object.entries(SCRIPTS)) client.defineCommand(name, definition);
  return (name, args) => client.runCommand(name, [...args]);
}

/** Fields and values as HGETALL gives them in a script. */
export function fieldsOf(flat: unknown): Readonly<Record<string, string>> {
  const list: unknown[] = Array.isArray(flat) ? flat : [];
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) fields[String(list[at])] = String(list[at + 1]);
  return fields;
}
