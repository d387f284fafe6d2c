import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Problem } from "@/api/problem";
import { userQuery } from "./queries";

const SYSTEM = "00000000-0000-0000-0000-000000000000";

/** The name behind a person's id; the id itself, if nobody knows it. */
export function useNameOf(id: string | null | undefined): string {
  const { data, isError } = useQuery({ ...userQuery(id ?? ""), enabled: Boolean(id) });
  return data?.name ?? ((isError && id) || "…");
}

/** A person, as a link to their profile. */
export function Person({ id }: { id: string }) {
  return (
    <Link to="/users/$userId" params={{ userId: id }} className="quiet-link">
      {useNameOf(id)}
    </Link>
  );
}

/** Who did something: a person, an API key, or what acts in nobody's name. */
export function Actor({ id }: { id: string }) {
  const { t } = useTranslation();
  const { error } = useQuery({ ...userQuery(id), enabled: id !== SYSTEM });
  if (id === SYSTEM) return t("users.system");
  if (error && Problem.of(error).status === 404) return t("users.apiKey");
  return <Person id={id} />;
}
