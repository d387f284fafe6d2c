import { spoken } from "@/app/i18n";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
const STEP = 1024;

/** A size as people say it: 4.2 MB. */
export function bytes(size: number): string {
  const power =
    size < 1 ? 0 : Math.min(Math.floor(Math.log(size) / Math.log(STEP)), UNITS.length - 1);
  const value = size / STEP ** power;
  return new Intl.NumberFormat(spoken(), {
    style: "unit",
    unit: UNITS[power] ?? "byte",
    unitDisplay: power === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && power > 0 ? 1 : 0,
  }).format(value);
}

/** A length of time as players show it: 1:05, 1:02:03. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(s).padStart(2, "0")}`;
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** A whole or rounded number with its separators. */
export function count(value: number): string {
  return new Intl.NumberFormat(spoken()).format(value);
}

/** A moment in full, in the zone of the person. */
export function moment(time: string): string {
  return new Intl.DateTimeFormat(spoken(), { dateStyle: "medium", timeStyle: "medium" }).format(
    new Date(time),
  );
}

const AGES: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const LONG_AGO = 14 * 86_400;

/** How long ago it was, or the day once that says more. */
export function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds > LONG_AGO) {
    return new Intl.DateTimeFormat(spoken(), { dateStyle: "medium" }).format(new Date(time));
  }
  const relative = new Intl.RelativeTimeFormat(spoken(), { numeric: "auto", style: "long" });
  for (const [unit, size] of AGES) {
    if (seconds >= size) return relative.format(-Math.floor(seconds / size), unit);
  }
  return relative.format(0, "second");
}
