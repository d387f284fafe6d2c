import { region } from "@/app/i18n";

const kept = new Map<string, unknown>();

/** A formatter of the person's region: making one takes longer than all that it then formats. */
function formatter<Options, Formatter>(
  Kind: new (region: string, options: Options) => Formatter,
  options: Options,
): Formatter {
  const key = `${Kind.name} ${region()} ${JSON.stringify(options)}`;
  const known = kept.get(key) ?? new Kind(region(), options);
  kept.set(key, known);
  return known as Formatter;
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
const STEP = 1024;

/** A size as people say it: 4.2 MB. */
export function bytes(size: number): string {
  const power =
    size < 1 ? 0 : Math.min(Math.floor(Math.log(size) / Math.log(STEP)), UNITS.length - 1);
  const value = size / STEP ** power;
  return formatter(Intl.NumberFormat, {
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
  return formatter(Intl.NumberFormat, {}).format(value);
}

/** A moment in full, in the zone of the person. */
export function moment(time: string): string {
  const full = { dateStyle: "medium", timeStyle: "medium" } as const;
  return formatter(Intl.DateTimeFormat, full).format(new Date(time));
}

const [MINUTE, HOUR, DAY] = [60, 3_600, 86_400];
const LONG_AGO = 7 * DAY;

/** How long ago it was; from yesterday on with the time of day, later the day itself. */
export function ago(time: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  const then = new Date(time);
  if (seconds >= LONG_AGO) {
    return formatter(Intl.DateTimeFormat, { dateStyle: "medium" }).format(then);
  }
  const relative = formatter(Intl.RelativeTimeFormat, { numeric: "auto", style: "long" });
  if (seconds < MINUTE) return relative.format(0, "second");
  if (seconds < HOUR) return relative.format(-Math.floor(seconds / MINUTE), "minute");
  const days = daysBetween(then, new Date(now));
  if (days === 0) return relative.format(-Math.floor(seconds / HOUR), "hour");
  const clock = formatter(Intl.DateTimeFormat, { timeStyle: "short" }).format(then);
  return `${relative.format(-days, "day")}, ${clock}`;
}

/** How many midnights lie between two moments, in the zone of the person. */
function daysBetween(one: Date, other: Date): number {
  const [from, to] = [new Date(one), new Date(other)].map((day) => day.setHours(0, 0, 0, 0));
  return Math.round(((to ?? 0) - (from ?? 0)) / (DAY * 1000));
}
