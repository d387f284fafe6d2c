import { Activity, Film, ListChecks, type LucideIcon, ScrollText, Users } from "lucide-react";

interface Place {
  to: "/assets" | "/users" | "/operations" | "/audit" | "/system";
  icon: LucideIcon;
  /** The key of its name under `nav`, and of the letter that leads there after `g`. */
  name: "assets" | "users" | "operations" | "audit" | "system";
  key: string;
}

/** Where one can go from anywhere, in the order of the sidebar. */
export const PLACES: readonly Place[] = [
  { to: "/assets", icon: Film, name: "assets", key: "a" },
  { to: "/users", icon: Users, name: "users", key: "u" },
  { to: "/operations", icon: ListChecks, name: "operations", key: "o" },
  { to: "/audit", icon: ScrollText, name: "audit", key: "t" },
  { to: "/system", icon: Activity, name: "system", key: "s" },
];
