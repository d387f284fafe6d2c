import { useInfiniteQuery } from "@tanstack/react-query";
import { ListChecks } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Blank } from "@/ui/Blank";
import { ListEnd, useEndless } from "@/ui/endless";
import { Loading } from "@/ui/Loading";
import { LongList } from "@/ui/LongList";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { OperationLine } from "./OperationLine";
import { type Operation, operationsQuery } from "./queries";

const renderOperation = (operation: Operation) => <OperationLine operation={operation} />;

/** What was done lately, by whom and on how many people; and the way back from each. */
export function OperationsPage() {
  const { t } = useTranslation();
  const found = useInfiniteQuery(operationsQuery());
  const { items, more } = useEndless(found);
  return (
    <>
      <PageHeader title={t("nav.operations")} />
      {found.isPending && <Loading lines={6} height={70} />}
      {found.error && !found.data && (
        <ProblemBox error={found.error} onRetry={() => void found.refetch()} />
      )}
      {found.data && items.length === 0 && (
        <Blank icon={ListChecks} title={t("operations.none")} text={t("operations.noneText")} />
      )}
      {items.length > 0 && (
        <LongList
          label={t("nav.operations")}
          items={items}
          keyOf={({ id }) => id}
          height={78}
          onEnd={more}
        >
          {renderOperation}
        </LongList>
      )}
      <ListEnd found={found} />
    </>
  );
}
