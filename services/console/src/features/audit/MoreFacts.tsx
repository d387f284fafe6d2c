import { useTranslation } from "react-i18next";
import { meaningOf } from "@/app/i18n";
import { Fact } from "@/ui/Fact";
import { bytes } from "@/ui/format";
import { en } from "@/words/en";
import type { Entry } from "./queries";

const NAMES = en.audit.fact;
/** The two sides of a change, which stand above all else. */
const SHOWN_ABOVE = new Set(["old_status", "new_status", "restored_asset_id"]);
/** Facts that are codes of the API. */
const CODES = new Set(["error", "error_code", "restore_refused"]);

/** What only entries of this kind tell. */
export function MoreFacts({ entry }: { entry: Entry }) {
  const { t } = useTranslation();
  const told = Object.entries(entry.metadata ?? {}).filter(
    ([name, value]) => value !== null && !SHOWN_ABOVE.has(name),
  );
  return told.map(([name, value]) => (
    <Fact key={name} name={nameOf(name, t)}>
      {legible(name, value, t)}
    </Fact>
  ));
}

type T = ReturnType<typeof useTranslation>["t"];

/** What a fact is called; those of a later version by the name that the API gives them. */
function nameOf(fact: string, t: T): string {
  const known = fact in NAMES ? (fact as keyof typeof NAMES) : null;
  return known ? t(`audit.fact.${known}`) : fact.replaceAll("_", " ");
}

function legible(name: string, value: unknown, t: T): string {
  if (typeof value === "boolean") return t(value ? "app.yes" : "app.no");
  if (name === "size_bytes" && typeof value === "number") return bytes(value);
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value !== "string") return JSON.stringify(value);
  return CODES.has(name) ? (meaningOf(value)?.detail ?? value) : value;
}
