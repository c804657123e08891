import { encodeBase62 } from "#wire/codec/base62.ts";

/**
 * Objects that share an account's answers. One has a thread, 10 GB and, under the platform's soft limit, a thousand calls a
 * second; the account's ledger gives out before sixteen of them do. Any number up to 60 will do, and it may change at any
 * time: an id says in which object its answer lies.
 */
const OBJECTS_OF_ACCOUNT = 16;

/** There are so many digits: an id of a version that had more objects leads to one of these. */
const MAX_OBJECTS = 60;

/** Ids of versions before are numbers of 120 bits in 21 digits, so their first digit is 0 or 1. */
const FIRST_PLACE = 2;

/** No two ids of an account ever meet, and nobody guesses one. */
const RANDOM_BYTES = 14;
const RANDOM_DIGITS = 20;

const SHARED = /^ans_([2-9A-Za-z])[0-9A-Za-z]{20}$/;

/** Makes the id of an answer, whose first digit says in which of its account's objects the answer lies. */
export function newAnswerId(): string {
  const [byte = 0, ...random] = crypto.getRandomValues(new Uint8Array(1 + RANDOM_BYTES));
  const place = encodeBase62(Uint8Array.of(FIRST_PLACE + (byte % OBJECTS_OF_ACCOUNT)), 1);
  return `ans_${place}${encodeBase62(Uint8Array.from(random), RANDOM_DIGITS)}`;
}

/** Names all objects that the answers of an account share: as many as there may ever be, not only those that new ones go to. */
export function objectNamesOf(accountId: string): readonly string[] {
  return Array.from({ length: MAX_OBJECTS }, (_, place) => {
    const digit = encodeBase62(Uint8Array.of(FIRST_PLACE + place), 1);
    return `${accountId}/${digit}`;
  });
}

/**
 * Names the object of an answer. An answer of a version that gave each an object of its own is named by its id. The account is
 * part of the name: an id of another account leads to an object of the caller's, which has no such answer. What a client sends as an
 * id may be any text: with its slashes written out it names no object that answers of an account share.
 */
export function objectNameOf(accountId: string, answerId: string): string {
  const place = SHARED.exec(answerId)?.[1];
  return place === undefined ? encodeURIComponent(answerId) : `${accountId}/${place}`;
}
