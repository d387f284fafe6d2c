import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Problem } from "@/api/problem";
import { userQuery } from "./queries";

const SYSTEM = "00000000-0000-0000-0000-000000000000";

/** The name behind an id: a person, or what acts in nobody's name. */
export function useNameOf(id: string): string {
  const { t } = useTranslation();
  const { data, error } = useQuery({ ...userQuery(id), enabled: id !== SYSTEM });
  if (id === SYSTEM) return t("users.system");
  if (error) return Problem.of(error).status === 404 ? t("users.apiKey") : id.slice(0, 13);
  return data?.name ?? "…";
}

/** The name behind an id; as a link to the profile where there can be one. */
export function Person({ id, plain = false }: { id: string; plain?: boolean }) {
  const name = useNameOf(id);
  if (plain || id === SYSTEM) return <span>{name}</span>;
  return (
    <Link to="/users/$userId" params={{ userId: id }} className="quiet-link">
      {name}
    </Link>
  );
}
