"""Worlds: an independent model of drivers, phones, cars and clouds, played against the product by a clock of its own.

A world is true drives with a true odometer, to the metre, on roads of its own plane. Facts are made of it: what a phone
sends (lost, repeated, late, by a wrong clock, with or without positions) and what a car's cloud says whenever the
product asks (live, at switch-off, every 15 minutes; whole kilometres or miles; old values, wild ones, nothing at all).
Who keeps the log (`log.Keeper`) hears only the facts. The checker knows the truth and counts what is wrong:

lost             at least one message of a drive arrived, and no trip and no gap stands for it
doubled          two trips at one time, or a trip while nobody drove
merged or split  two drives became one trip, or one became several
km wrong         a trip has other kilometres than its drive, beyond what is tolerated
km of nobody     a trip has kilometres that somebody drove untold, beyond what is tolerated
sums differ      trips and gaps are not what the car's odometer went between its first and last reading
closed untrue    a log says that it is closed, and is not
stuck            something waits and no poll will come, or polls come for ever though nothing waits
word lost        what the driver said is not, or no longer, in the log
crashed          the product raised; the first traceback is printed

Only what the facts decide is counted (what they do not is listed in `checker`), and nothing that is within:

- 0.11 km where both ends were read while the car stood: both are shown to 0.1 km. A coarse odometer may hide one more
  kilometre or mile. Such a reading counts wherever it lies in the stand, as the car did not move.
- Up to 3.5 km before a phone's first word or after its last belong to the drive: nobody else could drive them in
  the three minutes that a phone may be late. What is more than that may be a gap.
- By a trail of fixes 30 % and 0.5 km, by two positions 40 % and 1 km: a trail is shorter than its road, a straight line
  more so, and roads differ. Where only time speaks, whatever can be driven at 130 km/h.
- Of several drives between two readings each has these bounds, and all together those of the odometer.
- Sums: 0.11 km, 0.05 km a row, for each is rounded to 0.1 km, and what a coarse odometer hides.

All numbers stand in `tolerances`, each with its reason. The log of an oracle that knows the truth counts nowhere: tests
hold that for every preset, and that each kind of wrong log is found.

The product is asked through `product` alone, a running stack through `stack` alone; nothing else here knows either. A
word of the driver about a trip that is not in the log yet is told as "not played".

Examples are shrunk: drives, messages and noise that the same count does not need are taken away. They are told in
minutes since the first drive began, H is home, A and B are other places: `start 0 H`, `10027.0@31 parked A`.
"""
