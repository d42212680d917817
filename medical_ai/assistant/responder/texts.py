"""What is said without the record. No sentence here claims anything about a patient."""

CAN_TELL = (
    "I can tell you from your own record:\n\n"
    "- when your next dose is, and what is left for today\n"
    "- what you are taking, and when\n"
    "- which doses were marked as taken, on which day\n\n"
)
ABILITIES = (
    f"{CAN_TELL}I cannot diagnose, I cannot record or change anything, and I do not set doses. "
    "For advice, ask your doctor or pharmacist."
)
ABILITIES_FOR_ANOTHER = (
    "The record that is open is not your own. I can tell you from it:\n\n"
    "- when the patient's next dose is, and what is left for today\n"
    "- what the patient is taking, and when\n"
    "- which doses were marked as taken, on which day\n\n"
    "I cannot diagnose, I cannot record or change anything, and I do not set doses."
)
STAFF_ABILITIES = (
    "This account has no record of its own, and no patient's record is open in this "
    "conversation. What works here: describe a symptom, and I say how urgent it sounds and where "
    "to get help."
)
UNCLEAR = "I am not sure what you would like to know, so I have not looked anything up.\n\n"
UNCLEAR_LOOKED = (
    "I am not sure what you would like to know. I looked at the medicine list and found no such "
    "name there.\n\n"
)
SOMEBODY_ELSE = (
    "I can only read the record that is open, and that is yours. I have looked nothing up about "
    "anybody else. Whose record it is can ask here with an account of their own."
)
SOMEBODY_ELSE_STILL = (
    "I can only read the record that is open, and I have looked nothing up about anybody else. "
    "To ask about the person whose record it is, say “the patient”, “she” or “he”."
)
UNRELATED = (
    "That does not seem to be about your medicines, so I have not looked anything up. "
    "Your medicines and their doses are all I can answer about so far."
)
UNRELATED_FOR_ANOTHER = (
    "That does not seem to be about the patient's medicines, so I have not looked anything up. "
    "The medicines and their doses are all I can answer about so far."
)
PERIOD_UNREADABLE = (
    "I cannot read that time yet, so I have not looked anything up. I understand today, tonight, "
    "yesterday, tomorrow, a day of the week such as Monday, this week, last week, this month, last "
    "month, and the last 7 days. Older doses are on the **History** page."
)
TOO_MANY = "There are too many doses in that time for me to count. Please ask about a shorter time."
ADVICE = (
    "I cannot advise on that yet. Your pharmacist or doctor can, and the leaflet in the box says "
    "how the medicine is taken and what does not go with it."
)
MISSED_ADVICE_FOR_ANOTHER = (
    "I cannot advise on a missed dose yet. The leaflet in the box says what to do, and a "
    "pharmacist or doctor can tell you. No double dose should be taken in the meantime.\n\n"
    "Nothing was recorded by telling me."
)
MISSED_ADVICE = (
    "I cannot advise on a missed dose yet. The leaflet in the box says what to do, and your "
    "pharmacist or doctor can tell you. Do not take a double dose in the meantime.\n\n"
    "Nothing was recorded by telling me: to mark a dose, open **Today** and press **Taken** or "
    "**Skip** beside it."
)
TOO_MUCH = (
    "I cannot judge whether that is too much, and nothing was recorded. If more was taken than was "
    "prescribed, call your pharmacist, your doctor or a poison information centre now, and have "
    "the box at hand. If there are symptoms, call your emergency number."
)
NOTHING_RECORDED = "I cannot record or change anything, so nothing was recorded."
HOW_TO_MARK = "To mark a dose, open **Today** and press **Taken** or **Skip** beside it."
HOW_TO_REMIND = (
    "I cannot set a reminder, so nothing was changed. Reminders come by themselves for every "
    "medicine on your list: open **Medicines**, press **Add a medicine** and enter its times. To "
    "move a reminder, open the medicine there and press **Change**."
)
HOW_TO_ADD = (
    "I cannot add anything to your list, so nothing was changed. Open **Medicines** and press "
    "**Add a medicine**."
)
HOW_TO_STOP = (
    "I cannot stop or change anything, so nothing was changed. Open **Medicines** and choose the "
    "medicine; there are **Change** and **Stop taking it**. Before you stop a medicine that was "
    "prescribed, ask your doctor or pharmacist."
)
PRIVACY = (
    "Your questions are answered by this installation itself, and medicines and "
    "conversations are stored encrypted. “How this answer came about” beneath an answer tells what "
    "was read and whether anything left the machine. You can delete a conversation at any time. "
    "Who runs this installation and who else has access, your hospital can tell you."
)
WHO_ARE_YOU = (
    "I am a computer program and not a doctor or a nurse. I look things up in the record and "
    "recognise some signs of an emergency; I do not diagnose and I do not replace your doctor."
)
THANKS = "You are welcome. I am here whenever you want to look something up."
NOT_MARKED = (
    "Not marked does not mean not taken. If you are not sure, do not take it again to be safe: "
    "ask your pharmacist or doctor."
)
DESCRIBED = (
    "The record does not say what a medicine is for or looks like, so I cannot tell which one you "
    "mean; here is all there is."
)
ONE_NOT_FOUND = "I found nothing by the other name you wrote."
NOT_NEAR = "I find no medicine by that name on the list, nor among the doses around that time."
