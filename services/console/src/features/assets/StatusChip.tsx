import { Badge, type MantineSize } from "@mantine/core";
import { CircleCheck, CircleDashed, CircleX, LoaderCircle } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { ConversionStatus } from "@/api/client";
import classes from "./assets.module.css";

const LOOKS = {
  pending: { color: "gray", icon: CircleDashed },
  processing: { color: "blue", icon: LoaderCircle },
  completed: { color: "teal", icon: CircleCheck },
  failed: { color: "red", icon: CircleX },
} as const;

interface Props {
  status: ConversionStatus;
  /** In percent; shown while it is being converted. */
  progress?: number;
  size?: MantineSize;
}

/** The word of a status, with a sign of its own: colour alone would not tell everybody. */
export function StatusChip({ status, progress, size = "md" }: Props) {
  const { t } = useTranslation();
  const { color, icon: Icon } = LOOKS[status];
  const moving = status === "processing";
  return (
    <Badge
      className={classes.chip}
      data-status={status}
      color={color}
      variant="light"
      size={size}
      tt="none"
      fw={600}
      leftSection={<Icon size={12} className={moving ? classes.turning : undefined} aria-hidden />}
    >
      <span className="tabular">
        {t(`status.${status}`)}
        {moving && progress !== undefined && progress > 0 ? ` ${progress} %` : ""}
      </span>
    </Badge>
  );
}
