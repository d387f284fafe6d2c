import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "@/api/problem";
import { Blank } from "./Blank";
import { detailOf, headingOf, ProblemBox } from "./ProblemBox";

interface Props {
  error: unknown;
  /** Where one goes on from a page of what does not exist. */
  to: "/assets" | "/users";
  onRetry: () => void;
}

/** What stands where a page of one thing would: it is not there, or could not be loaded. */
export function PageProblem({ error, to, onRetry }: Props) {
  const { t } = useTranslation();
  const problem = Problem.of(error);
  const heading = headingOf(problem, t);
  useEffect(() => {
    document.title = `${heading} · Marquee`;
  }, [heading]);
  if (problem.status !== 404) return <ProblemBox error={error} onRetry={onRetry} />;
  return (
    <div role="alert">
      <Blank icon={Compass} title={heading} text={detailOf(problem, t)}>
        <Button component={Link} to={to} variant="light" mt="xs">
          {t(to === "/assets" ? "app.toAssets" : "app.toUsers")}
        </Button>
      </Blank>
    </div>
  );
}
