import { Alert, Button, Group, Pill, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { Problem } from "@/api/problem";
import { Failed, type Failure } from "@/features/operations/Failed";
import { useNameOf } from "@/features/users/Person";
import { usersQuery } from "@/features/users/queries";
import { ProblemBox } from "@/ui/ProblemBox";
import { SearchField } from "@/ui/SearchField";
import { pastedIds, useChosen } from "./chosen";
import { Found } from "./Found";
import type { useAssign } from "./queries";

const CHOSEN_SHOWN = 12;
const FAILURES_SHOWN = 5;

interface Props {
  asset: Asset;
  assign: ReturnType<typeof useAssign>;
  onClose: () => void;
}

/** Who is to have the asset: found by name or address, or pasted by id; one or many. */
export function Choice({ asset, assign, onClose }: Props) {
  const { t } = useTranslation();
  const chosen = useChosen();
  const [typed, setTyped] = useState("");
  const [query] = useDebouncedValue(typed.trim(), 150);
  const found = useInfiniteQuery(usersQuery(query));
  const type = (text: string) => {
    const ids = pastedIds(text);
    if (ids) chosen.add(ids);
    setTyped(ids ? "" : text);
    assign.reset();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen.ids.length > 0) assign.mutate(chosen.ids);
      }}
    >
      <Stack gap="sm">
        <SearchField
          data-autofocus
          label={t("assign.search")}
          description={t("assign.searchHint")}
          value={typed}
          error={found.error}
          onChange={type}
          onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
        />
        <Found found={found} asset={asset} chosen={chosen} />
        <ChosenPeople ids={chosen.ids} onRemove={(id) => chosen.remove([id])} />
        {assign.error && <Refused error={assign.error} onRemove={chosen.remove} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("app.cancel")}
          </Button>
          <Button
            type="submit"
            disabled={chosen.ids.length === 0}
            loading={assign.isPending}
            leftSection={<UserPlus size={16} aria-hidden />}
          >
            {chosen.ids.length === 0
              ? t("assign.choose")
              : t("assign.confirm", { count: chosen.ids.length })}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface ChosenProps {
  ids: readonly string[];
  onRemove: (id: string) => void;
}

function ChosenPeople({ ids, onRemove }: ChosenProps) {
  const { t } = useTranslation();
  if (ids.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600} mb={4} role="status">
        {t("assign.chosen", { count: ids.length })}
      </Text>
      <Pill.Group>
        {ids.slice(0, CHOSEN_SHOWN).map((id) => (
          <ChosenPerson key={id} id={id} onRemove={() => onRemove(id)} />
        ))}
        {ids.length > CHOSEN_SHOWN && (
          <Pill>{t("operations.andMore", { count: ids.length - CHOSEN_SHOWN })}</Pill>
        )}
      </Pill.Group>
    </div>
  );
}

function ChosenPerson({ id, onRemove }: { id: string; onRemove: () => void }) {
  const { t } = useTranslation();
  const name = useNameOf(id);
  return (
    <Pill
      withRemoveButton
      onRemove={onRemove}
      removeButtonProps={{ "aria-label": t("assign.remove", { name }), "aria-hidden": false }}
    >
      {name}
    </Pill>
  );
}

/** Nothing was assigned: who stands in the way, and how to go on without them. */
function Refused({ error, onRemove }: { error: unknown; onRemove: (ids: string[]) => void }) {
  const { t } = useTranslation();
  const failures = (Problem.of(error).extra.failures ?? []) as Failure[];
  if (failures.length === 0) return <ProblemBox error={error} />;
  return (
    <Alert color="red" variant="light" role="alert" title={t("assign.refused")}>
      {failures.slice(0, FAILURES_SHOWN).map((failure) => (
        <Text key={failure.user_id} size="sm">
          <Failed failure={failure} />
        </Text>
      ))}
      {failures.length > FAILURES_SHOWN && (
        <Text size="sm">
          {t("operations.andMore", { count: failures.length - FAILURES_SHOWN })}
        </Text>
      )}
      <Button
        mt="xs"
        size="compact-sm"
        variant="light"
        color="red"
        onClick={() => onRemove(failures.map(({ user_id }) => user_id))}
      >
        {t("assign.without", { count: failures.length })}
      </Button>
    </Alert>
  );
}
