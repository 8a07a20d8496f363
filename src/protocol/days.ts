import { type WallMs, wallMs } from './ids.ts';

/** Which day it is, counted from the epoch: one of 24 hours ends at midnight UTC, wherever a PC stands. */
export const dayOf = (at: WallMs, dayMs: number): number => Math.floor(at / dayMs);

export const endOfDay = (day: number, dayMs: number): WallMs => wallMs((day + 1) * dayMs);

const minuteMs = 60_000;
const minutesPerDay = 24 * 60;
/** From 1 March of the year 0, where this count begins, to the epoch. */
const daysToEpoch = 719_468;
const daysPer400Years = 146_097;

/**
 * `2026-11-02T14:00Z`, rounded up to the minute: for texts that are told on. Whoever shows them knows the reader's
 * zone.
 */
export function minuteText(at: WallMs): string {
  const minutes = Math.ceil(at / minuteMs);
  const [hour, minute] = [Math.floor((minutes % minutesPerDay) / 60), minutes % 60];
  return `${dateText(Math.floor(minutes / minutesPerDay))}T${two(hour)}:${two(minute)}Z`;
}

/** The Gregorian calendar, in years that begin in March: then the leap day is a year's last. */
function dateText(daysSinceEpoch: number): string {
  const days = daysSinceEpoch + daysToEpoch;
  const era = Math.floor(days / daysPer400Years);
  const dayOfEra = days - era * daysPer400Years;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return `${yearOfEra + era * 400 + (month <= 2 ? 1 : 0)}-${two(month)}-${two(day)}`;
}

const two = (value: number): string => String(value).padStart(2, '0');
